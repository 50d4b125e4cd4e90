import Foundation
import Testing

/// `plugin check`: what it reads, what it runs, and when.
@Suite struct PluginCheckTests {
  private struct Report: Decodable {
    struct Result: Decodable { let check: String, outcome: String }
    let conformance: [Result], conformanceNotRun: String?
  }

  private func packed(_ folder: TemporaryFolder) throws -> String {
    try PluginCommandTests.packExample("median", in: folder)
    return folder("plugins/example.merge.median-1.0.0")
  }

  @Test func checkReadsAndRunsNothingOfAnUnsignedPluginUnlessAskedTo() throws {
    let folder = try TemporaryFolder(), path = try packed(folder)
    let read = try Binary.run("plugin", "check", path)
    #expect(read.status == 0 && read.output.contains("ok       hash") && read.output.contains("conformance not run: no trusted publisher signed the plugin"), "\(read)")
    let run = try Binary.run("plugin", "check", path, "--run", "--only", "threads", "--only", "masks", "--seed", "9")
    #expect(run.status == 0 && run.output.hasSuffix("  ok       threads\n  skipped  masks: it does not draw\n"), "\(run)")
    let bare = try Binary.run("plugin", "check", folder("median-1.0.0.so"), "--run", "--json", "--only", "identity")
    let report = try JSONDecoder().decode(Report.self, from: Data(bare.output.utf8))
    #expect(bare.status == 0 && report.conformanceNotRun == nil && report.conformance.map(\.outcome) == ["passed"], "\(bare)")
    let without = try Binary.run("plugin", "check", path, "--run", "--no-conformance")
    #expect(without.status == 0 && without.output.hasSuffix("conformance not run: it was not asked for\n"), "\(without)")
  }

  @Test func checkSaysWhichPromiseIsBrokenAndEndsWith69() throws {
    let folder = try TemporaryFolder()
    let source = Repository.root.appendingPathComponent("Tests/Fixtures/Host/C/wrong_merge.c").path, library = folder("wrong.so")
    let include = Repository.root.appendingPathComponent("Sources/CentramPluginAPI/C/include").path
    let compiled = try Binary.Running("/usr/bin/cc", ["-fPIC", "-shared", "-DWRONG_CRASH_ON_SCALARS", "-I", include, source, "-o", library], [:]).wait()
    try #require(compiled.status == 0, "\(compiled.errors)")
    let result = try Binary.run("plugin", "check", library, "--run", "--skip", "threads")
    #expect(result.status == 69 && result.errors.contains("breaks 1 of "), "\(result)")
    #expect(result.output.contains("FAILED   shapes: expected the plugin's process to live, but it crashed with signal 11 in check shapes"))
    #expect(result.output.contains("ok       identity") && result.output.contains("skipped  threads: the caller says that it does not apply"))
    let unknown = try Binary.run("plugin", "check", library, "--run", "--only", "shpes")
    #expect(unknown.status == 69 && unknown.errors.contains("has no check shpes; nearest: shapes"), "\(unknown)")
    let refused = try Binary.run("plugin", "check", library)
    #expect(refused.status == 69 && refused.output.contains("conformance not run: the plugin is refused"), "\(refused)")
  }
}
