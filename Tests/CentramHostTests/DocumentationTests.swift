import CentramHost
import CentramLanes
import CentramPackaging
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

/// The pages on plugins say what the code does.
@Suite struct DocumentationTests {
  private func page(_ name: String) throws -> String { try String(contentsOfFile: "\(Workshop.root)/docs/plugins/\(name).md", encoding: .utf8) }

  /// The first block of code in a language.
  private func code(_ language: String, in page: String) throws -> String {
    let parts = page.components(separatedBy: "```\(language)\n")
    return try #require(parts.count > 1 ? parts[1].components(separatedBy: "```").first : nil)
  }

  /// The function table of the page, as its reader would build it.
  private func blend() throws -> PluginHost {
    let page = try page("function-table"), folder = try Workshop.folder()
    try FileManager.default.createDirectory(atPath: folder + "/blend", withIntermediateDirectories: true)
    try code("c", in: page).write(toFile: folder + "/blend.c", atomically: true, encoding: .utf8)
    let library = folder + "/blend/libblend.so"
    let (status, output) = try Workshop.run(["/usr/bin/cc", "-O2", "-ffp-contract=off", "-fPIC", "-shared", folder + "/blend.c", "-o", library])
    try #require(status == 0, "\(output)")
    let manifest = try code("json", in: page).replacingOccurrences(of: "\"SHA\"", with: "\"\(SHA256.hex(ofFile: library))\"")
    try manifest.write(toFile: folder + "/blend/plugin.json", atomically: true, encoding: .utf8)
    return Workshop.host(folder)
  }

  @Test func theFunctionTablePagesExampleRunsAsItStands() throws {
    let merged = try blend().mergeOperator("blend").merged(LendingDriver([[1, 2], [3, 4]]), weights: [1, 2], shared: ["strength": .number(0.5)])
    #expect(merged == [3.5, 5])
  }

  @Test func theTrustFileOfItsPageIsRead() throws {
    let file = try TrustFile.decode(Array(code("json", in: page("trust")).utf8))
    #expect(file.publishers.first?.name == "acme" && file.revokedKeys.count == 1 && file.revokedHashes.count == 1)
    for key in ["publishers", "name", "key", "ids", "kinds", "isolate", "revokedKeys", "date"] { #expect(try page("trust").contains("| `\(key)`"), "\(key)") }
  }

  @Test func theFunctionTablePagesExampleKeepsThePromisesOfMergeOperators() async throws {
    let host = try blend()
    var options = MergeOperatorConformance.Options()
    options.exempt = ["identity": "it is a weighted sum and no mean"]
    let failures = await MergeOperatorConformance(options: options) { (it) throws(PluginError) in
      do throws(HostError) { return try host.mergeOperator("blend", configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }.failures()
    #expect(failures == [])
  }

  @Test func everyCheckStandsOnItsPageInOrder() throws {
    let page = try page("checks")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "`")[1] }
    #expect(rows.map(String.init) == PluginCheck.allCases.map(\.rawValue))
  }

  @Test func everyCheckOfASuiteStandsOnItsPageOnce() throws {
    let page = try page("conformance")
    for kind in [PluginKind.mergeOperator, .gateLayer, .trainer, .economyRule, .transport] {
      let names = try #require(PluginConformance.checkNames(kind))
      #expect(Set(names).count == names.count && names.count > 10, "\(kind)")
      for name in names { #expect(page.contains("`\(name)`"), "\(kind): \(name)") }
    }
    #expect(PluginConformance.checkNames(PluginKind(rawValue: "other")) == nil)
  }

  @Test func everyRoleAndTypeOfAFunctionTableStandsOnItsPage() throws {
    let page = try page("function-table")
    for role in FunctionTable.Role.allCases { #expect(page.contains("`\(role.rawValue)`"), "\(role.rawValue)") }
    for type in FunctionTable.ValueType.allCases where type != .void { #expect(page.contains("`\(type.rawValue)`"), "\(type.rawValue)") }
  }

  @Test func everyKeyOfAManifestAndEveryKindStandsOnTheFirstPage() throws {
    let page = try page("README")
    let error = #expect(throws: HostError.self) { _ = try PluginManifest.decode(Array(#"{"qqqqqqqqqqqqqqqq":1}"#.utf8)) }
    let keys = try #require(error?.message.components(separatedBy: "known: ").last).components(separatedBy: ", ")
    #expect(keys.count == 16)
    for key in keys { #expect(page.contains("`\(key)`"), "\(key)") }
    for kind in [PluginKind.mergeOperator, .gateLayer, .trainer, .economyRule, .transport] { #expect(page.contains("`\(kind.rawValue)`")) }
  }
}
