import Foundation
import Testing

@testable import CentramNode

@Suite struct RelayReasonTests {
  @Test(
    arguments: [
      ([], .unknown, .configuredOnly), ([.unreachableFamily], .unknown, .unreachableFamily), ([.unreachableFamily, .refused], .unknown, .refused),
      ([.timedOut, .refused], .unknown, .timedOut), ([.timedOut], .endpointIndependent, .timedOut), ([.timedOut], .endpointDependent, .symmetricNAT),
      ([.refused], .endpointDependent, .refused), ([], .endpointDependent, .configuredOnly),
    ] as [([RelayReason.DialFailure], NATMapping, RelayReason)]) func followsFromTheDirectDials(failures: [RelayReason.DialFailure], mapping: NATMapping, reason: RelayReason)
  {
    #expect(RelayReason(failures: failures, mapping: mapping) == reason)
  }

  @Test func aFailureIsTheFamilysBeforeItIsTheTimes() throws {
    func failure(_ text: String, v4: Bool, v6: Bool, _ milliseconds: UInt64) throws -> RelayReason.DialFailure {
      .init(address: try PeerAddress(text), families: (v4, v6), milliseconds: milliseconds, limit: 10_000)
    }
    #expect(try failure("quic://[2001:db8::1]:1", v4: true, v6: false, 10_000) == .unreachableFamily)
    #expect(try failure("quic://198.51.100.1:1", v4: false, v6: true, 5) == .unreachableFamily)
    #expect(try failure("quic://198.51.100.1:1", v4: true, v6: false, 10_000) == .timedOut)
    #expect(try failure("quic://198.51.100.1:1", v4: true, v6: false, 9_999) == .refused)
    #expect(try failure("quic://[::1]:1", v4: true, v6: false, 1) == .refused)
    #expect(try failure("quic://name.example:1", v4: false, v6: false, 1) == .refused)
  }

  @Test func everyLimitIsDocumented() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/reference/configuration.md"), encoding: .utf8)
    for limit in RelayLimit.allCases { #expect(page.contains("| `\(limit.rawValue)` | \(limit.standard) | \(limit.summary) |")) }
  }

  @Test func everyReasonAndLimitHasASentence() {
    #expect(Set(RelayReason.allCases.map(\.sentence)).count == RelayReason.allCases.count && RelayReason.allCases.allSatisfy { $0.sentence.hasPrefix("relay: ") })
    #expect(Set(RelayLimit.allCases.map(\.summary)).count == RelayLimit.allCases.count && RelayLimit.allCases.allSatisfy { $0.standard > 0 })
  }
}
