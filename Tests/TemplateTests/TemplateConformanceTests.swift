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
    let conformance = try PluginConformance(ConformanceRequest(path: folder, runsUnsigned: true), trust: TrustPolicy())
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
}
