import CentramHost
import CentramIsolation
import CentramPluginAPI
import Foundation
import Testing

@Suite struct IsolatedPlacementTests {
  private static func linear(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> String {
    let folder = try Workshop.folder()
    try Workshop.plugin(Built.linear, id: "merge.linear", kind: .mergeOperator, in: folder) { manifest in
      manifest["lanes"] = ["swift"]
      manifest["api"] = ["c": "^1.0", "swift": "^1.0"]
      manifest["toolchain"] = String(cString: centram_compiled_toolchain())
      manifest["fingerprint"] = String(cString: centram_compiled_fingerprint())
      change(&manifest)
    }
    return folder
  }

  @Test func aSwiftPluginIsIsolatedWithoutACLaneOfItsOwn() throws {
    let folder = try Self.linear(), a: [Float] = [1, 2, 3, 5], b: [Float] = [3, 6, 9, 11]
    let isolated = Isolated.host(folder), own = Workshop.host(folder, trust: TrustPolicy(untrusted: .allow))
    let merged = try isolated.mergeOperator("linear").merged(LendingDriver([a, b], blockSize: 3, stripes: 2), weights: [0.25, 0.75])
    #expect(try own.mergeOperator("linear").merged(LendingDriver([a, b]), weights: [0.25, 0.75]) == merged)
    #expect(isolated.snapshot().records.first?.placement == .isolated && own.snapshot().records.first?.placement == .inProcess)
    // Nothing of an isolated plugin is mapped into its host: neither code nor data.
    let pid = try #require(isolated.snapshot().records.first?.health?.pid)
    #expect(pid != getpid())
  }

  @Test func aPluginThatAsksForAProcessGetsOneWhateverThePolicySays() throws {
    let folder = try Self.linear { $0["isolation"] = "process" }
    let settings = HostConfiguration(folders: [folder], trust: TrustPolicy(untrusted: .allow), isolation: ProcessIsolation(Isolated.configuration()))
    let host = PluginHost(configuration: settings)
    host.discover()
    _ = try host.mergeOperator("linear")
    #expect(host.snapshot().records.first?.placement == .isolated)
  }

  @Test func theCodeOfAnIsolatedPluginNeverRunsInItsHost() throws {
    // Its constructor would end whichever process loads it.
    let host = try Isolated.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator, flags: ["-DFIXTURE_CONSTRUCTOR_CRASHES"])
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("center") }
    #expect(error.code.rawValue == "load" && error.message.contains("signal 11"), "\(error)")
  }

  @Test func aDescriptorFromAnotherProcessIsComparedLikeAnyOther() throws {
    let host = try Isolated.host(fixture: "merge", id: "test.merge.other", kind: .mergeOperator)
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("test.merge.other") }
    #expect(error.code.rawValue == "descriptor" && error.message.contains("test.merge.center"), "\(error)")
  }

  @Test func anInitThatFailsOrCrashesIsTheCheckThatRefuses() throws {
    for (flag, sentence) in [("-DFIXTURE_INIT_FAILS", "the licence ran out"), ("-DFIXTURE_INIT_CRASHES", "signal 11")] {
      let host = try Isolated.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator, flags: [flag])
      let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("center") }
      #expect(error.code.rawValue == "initialize" && error.message.contains(sentence), "\(error)")
    }
  }

  @Test func aHostWithoutIsolationRefusesWhatMustBeIsolated() throws {
    let host = Workshop.host(try Self.linear(), trust: TrustPolicy(untrusted: .isolate))
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("linear") }
    #expect(error.code.rawValue == "rights" && error.message.contains("this host was set up without one"), "\(error)")
  }

  @Test func aRunnerThatIsNotThereIsNamed() throws {
    let folder = try Self.linear()
    let host = Isolated.host(folder) { $0.runner = "/nowhere/centram-plugin-runner" }
    let error = try #require(throws: HostError.self) { _ = try host.mergeOperator("linear") }
    #expect(error.code.rawValue == "load" && error.message.contains("/nowhere/centram-plugin-runner does not start"), "\(error)")
    #expect(ProcessIsolation.runner(named: nil, executableFolder: "/nowhere") == nil)
  }
}
