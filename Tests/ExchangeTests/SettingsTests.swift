import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// The configuration's section `exchange`.
@Suite struct SettingsTests {
  private func read(_ json: String) throws(MergeError) -> ExchangeSettings { try NodeConfiguration(json: Data(json.utf8), name: "file").exchange }

  private func refusal(_ json: String) -> String {
    do throws(MergeError) {
      _ = try read(json)
      return ""
    } catch { return error.message }
  }

  @Test func everyKeyIsRead() throws {
    let key = String(repeating: "ab", count: 32)
    let settings = try read(
      """
      {"exchange": {
        "offer": {"enabled": false, "peers": ["\(key)"], "domains": ["code.*"], "minimumLift": 0.5},
        "want": {"enabled": false, "bases": ["\(key.uppercased())"], "domains": ["text"], "licenses": ["MIT"], "authors": ["\(key)"], "refusedAuthors": ["\(key)"],
          "maximumBytes": 1000, "minimumLift": 0},
        "limits": {"transfers": 2, "bytesSentPerDay": 1099511627776}}}
      """)
    #expect(!settings.offer.isEnabled && settings.offer.peers == [NodeKey(hexadecimal: key)!] && settings.offer.domains == ["code.*"] && settings.offer.minimumLift == 0.5)
    #expect(!settings.want.isEnabled && settings.want.bases == [key] && settings.want.domains == ["text"] && settings.want.licenses == ["MIT"])
    #expect(settings.want.authors == [key] && settings.want.refusedAuthors == [key] && settings.want.maximumBytes == 1_000 && settings.want.minimumLift == 0)
    #expect(settings[.transfers] == 2 && settings[.bytesSentPerDay] == 1 << 40)
    #expect(try read("{}") == ExchangeSettings())
  }

  @Test func wrongValuesAreNamed() {
    #expect(refusal(#"{"exchange": {"ofer": {}}}"#).contains("exchange.ofer is no key of the configuration; did you mean offer?"))
    #expect(refusal(#"{"exchange": {"want": {"license": []}}}"#).contains("exchange.want.license"))
    #expect(refusal(#"{"exchange": {"limits": {"transfers": 0}}}"#).contains("exchange.limits.transfers must be a whole number from 1"))
    #expect(refusal(#"{"exchange": {"limits": {"transfer": 1}}}"#).contains("did you mean transfers?"))
    #expect(refusal(#"{"exchange": {"want": {"bases": ["12"]}}}"#).contains("exchange.want.bases"))
    #expect(refusal(#"{"exchange": {"offer": {"peers": ["12"]}}}"#).contains("exchange.offer.peers"))
    #expect(refusal(#"{"exchange": {"want": {"maximumBytes": 0}}}"#).contains("exchange.want.maximumBytes"))
    #expect(refusal(#"{"exchange": {"offer": {"minimumLift": "much"}}}"#).contains("exchange.offer.minimumLift must be a number"))
  }

  @Test func everyExchangeLimitIsInTheReferenceWithItsDefault() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/reference/configuration.md"), encoding: .utf8)
    let missing = ExchangeLimit.allCases.filter { !page.contains("| `\($0.rawValue)` | \($0.standard) | \($0.summary) |") }
    #expect(missing.isEmpty)
    let protocolPage = try String(contentsOf: root.appendingPathComponent("docs/protocol/exchange.md"), encoding: .utf8)
    let unnamed = ExchangeCounters.Event.allCases.map(\.rawValue).filter { !protocolPage.contains("`\($0)`") }
    #expect(unnamed.isEmpty)
    let types = MessageType.allCases.filter { $0.family == .genome || $0.family == .lineage }.map { "\($0)".prefix(1).uppercased() + "\($0)".dropFirst() }
    let silent = types.filter { !protocolPage.contains("`\($0)`") }
    #expect(types.count == 24 && silent.isEmpty)
  }

  @Test func domainsMatchAsTheyAreOrAllBelow() {
    for (pattern, domain, matches) in [
      ("code", "code", true), ("code", "code.swift", false), ("code.*", "code.swift", true), ("code.*", "code", true), ("code.*", "codex", false), ("*", "anything", true),
    ] { #expect(DomainPattern(pattern).matches(domain) == matches, "\(pattern) \(domain)") }
  }
}
