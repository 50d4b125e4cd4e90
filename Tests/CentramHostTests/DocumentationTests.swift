import CentramHost
import CentramLanes
import CentramPluginAPI
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

  @Test func theFunctionTablePagesExampleRunsAsItStands() throws {
    let page = try page("function-table"), folder = try Workshop.folder()
    try FileManager.default.createDirectory(atPath: folder + "/blend", withIntermediateDirectories: true)
    try code("c", in: page).write(toFile: folder + "/blend.c", atomically: true, encoding: .utf8)
    let library = folder + "/blend/libblend.so"
    let (status, output) = try Workshop.run(["/usr/bin/cc", "-O2", "-ffp-contract=off", "-fPIC", "-shared", folder + "/blend.c", "-o", library])
    try #require(status == 0, "\(output)")
    let manifest = try code("json", in: page).replacingOccurrences(of: "\"SHA\"", with: "\"\(SHA256.hex(ofFile: library))\"")
    try manifest.write(toFile: folder + "/blend/plugin.json", atomically: true, encoding: .utf8)
    let blend = try Workshop.host(folder).mergeOperator("blend")
    let merged = try blend.merged(LendingDriver([[1, 2], [3, 4]]), weights: [1, 2], shared: ["strength": .number(0.5)])
    #expect(merged == [3.5, 5])
  }

  @Test func everyCheckStandsOnItsPageInOrder() throws {
    let page = try page("checks")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "`")[1] }
    #expect(rows.map(String.init) == PluginCheck.allCases.map(\.rawValue))
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

/// What the architecture promises of the host's own code.
@Suite struct ArchitectureTests {
  private func sources(_ folder: String) throws -> [(path: String, text: String)] {
    let root = Workshop.root + "/Sources/" + folder
    let names = try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(".swift") }
    return try names.map { ($0, try String(contentsOfFile: root + "/" + $0, encoding: .utf8)) }
  }

  @Test func theHostHasAtMostTwoThousandLines() throws {
    let lines = try sources("CentramHost").filter { !$0.path.hasPrefix("Lanes/") }.map { $0.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 }
    #expect(lines.reduce(0, +) <= 2000)
    for file in try sources("CentramHost") { #expect(file.text.count { $0 == "\n" } <= 250, "\(file.path)") }
  }

  @Test func theHostNamesNoPlugin() throws {
    let plugins = try FileManager.default.subpathsOfDirectory(atPath: Workshop.root + "/Plugins").filter { $0.hasSuffix(".swift") }
    let ids = try plugins.flatMap { path in
      let text = try String(contentsOfFile: "\(Workshop.root)/Plugins/\(path)", encoding: .utf8)
      return text.components(separatedBy: "id: \"").dropFirst().compactMap { $0.split(separator: "\"").first.map(String.init) }
    }
    #expect(ids.contains("merge.linear"))
    for file in try sources("CentramHost") {
      let code = file.text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
      for id in ids { #expect(!code.contains("\"\(id)"), "\(file.path) names \(id)") }
    }
  }

  @Test func theLanesKnowNothingOfTheHost() throws {
    for file in try sources("CentramHost/Lanes") { #expect(!file.text.contains("import CentramHost") && !file.text.contains("HostError"), "\(file.path)") }
  }
}
