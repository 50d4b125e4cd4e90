import CentramHost
import CentramIsolation
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
    // As `plugin check` does with what nobody signed: in a process of its own.
    let isolation = ProcessIsolation(IsolationConfiguration(runner: try #require(Workshop.runner)))
    let configuration = HostConfiguration(trust: TrustPolicy(untrusted: .isolate), isolation: isolation)
    let conformance = try PluginConformance(ConformanceRequest(path: folder, runsUnsigned: true), configuration: configuration)
    #expect(conformance.record.placement == .isolated)
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

  /// Each project in Swift has a test target that judges it by the suite of its kind, with the SDK's testing kit alone.
  @Test func aProjectInSwiftTestsItself() throws {
    let sdk = try Workshop.folder("whole") + "/sdk"
    try Workshop.run([Workshop.root + "/Scripts/sdk", sdk])
    for kind in Self.kinds {
      let project = try PluginProject(kind: kind, language: "swift", id: "com.acme.\(kind)-tests"), folder = try Workshop.folder("tests") + "/" + kind
      try project.write(into: folder, sdk: PluginSDK(sdk))
      let log = try Workshop.run(["swift", "test", "--disable-sandbox"], in: folder)
      #expect(log.contains("Test keepsThePromisesOfItsKind() passed") && !log.contains("warning:"), "\(log)")
    }
  }

  @Test(arguments: kinds) func aProjectInSwiftIsFormatted(_ kind: String) throws {
    let project = try PluginProject(kind: kind, language: "swift"), folder = try Workshop.folder("format") + "/x"
    try project.write(into: folder, sdk: Workshop.sdk.get())
    try Workshop.run(["swift", "format", "lint", "--strict", "--recursive", "--configuration", Workshop.root + "/.swift-format", folder])
  }
}
