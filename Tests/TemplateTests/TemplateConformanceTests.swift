import CentramHost
import CentramPluginTesting
import CentramTemplates
import Testing

/// Each template as its first reader gets it: made, built by its own Makefile with warnings as errors, packed, and judged by the suite of its
/// kind as a host loads it.
@Suite(.serialized) struct TemplateConformanceTests {
  private static let kinds = PluginProject.kinds.map(\.name)

  private func judge(_ kind: String, _ language: PluginProject.Language) async throws {
    let project = try PluginProject(kind: kind, language: language.rawValue, id: "com.acme.\(kind)-\(language)")
    let folder = try Workshop.packed(project)
    let conformance = try PluginConformance(ConformanceRequest(path: folder, runsUnsigned: true), configuration: HostConfiguration())
    #expect(conformance.record.id == project.id && conformance.record.kind.rawValue == kind)
    let results = await conformance.suite.run()
    #expect(results.filter(\.failed) == [], "\(project.id)")
    // A suite that skips everything has judged nothing.
    let passed = results.count { $0.outcome == .passed }
    #expect(passed * 2 > results.count, "\(project.id): \(results)")
  }

  @Test(arguments: kinds) func aTemplateInCPassesItsSuiteAtOnce(_ kind: String) async throws { try await judge(kind, .c) }

  @Test(arguments: kinds) func aTemplateInSwiftPassesItsSuiteAtOnce(_ kind: String) async throws { try await judge(kind, .swift) }

  @Test(.enabled(if: Workshop.cargo != nil, "cargo is not installed"), arguments: kinds) func aTemplateInRustPassesItsSuiteAtOnce(_ kind: String) async throws {
    try await judge(kind, .rust)
  }

  /// `make` calls the compiler; who prefers the package manager has `Package.swift`, and needs nothing but the SDK either.
  @Test func aProjectInSwiftBuildsAsAPackageToo() throws {
    let project = try PluginProject(kind: "economy-rule", language: "swift", id: "com.acme.as-package"), folder = try Workshop.folder("package") + "/fee"
    try project.write(into: folder, sdk: Workshop.sdk.get())
    let log = try Workshop.run(["swift", "build", "--disable-sandbox"], in: folder)
    #expect(!log.contains("warning:"), "\(log)")
    let packed = try Workshop.pack("\(folder)/.build/debug/libas_package.so")
    let host = PluginHost(configuration: HostConfiguration(folders: [packed]))
    #expect(host.check(packed, upTo: .instance).reason == nil)
  }

  @Test(arguments: kinds) func aProjectInSwiftIsFormatted(_ kind: String) throws {
    let project = try PluginProject(kind: kind, language: "swift"), folder = try Workshop.folder("format") + "/x"
    try project.write(into: folder, sdk: Workshop.sdk.get())
    try Workshop.run(["swift", "format", "lint", "--strict", "--recursive", "--configuration", Workshop.root + "/.swift-format", folder])
  }
}
