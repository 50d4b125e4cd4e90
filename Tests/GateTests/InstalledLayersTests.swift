import CentramHost
import CentramNode
import CentramPluginAPI
import Foundation
import GateCorpus
import LinkedGate
import Testing

/// The layers as the build left them: shared libraries, loaded by a host.
@Suite struct InstalledLayersTests {
  /// Beside the test executable.
  private static let folder: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? bundle
    let candidates = [bundle, executable].map { URL(fileURLWithPath: $0).deletingLastPathComponent().resolvingSymlinksInPath().path }
    return candidates.first { FileManager.default.fileExists(atPath: $0 + "/libCentramPluginAPI.so") } ?? candidates[0]
  }()

  @Test func theLibrariesJudgeAsTheirCodeDoes() async throws {
    var world = CorpusWorld.lived()
    let honest = world.next().sealed()
    let attack = GateAttack.signature[0].make(&world)
    let host = PluginHost(configuration: HostConfiguration(executableFolder: Self.folder), services: world)
    host.discover()
    let pipeline = try GatePipeline(settings: GateSettings(required: FirstFive.ids), layers: OnlyFirst(host: host), clock: world, store: KeptVerdicts())
    #expect(pipeline.status.isEmpty, "\(pipeline.status)")
    #expect(pipeline.layers.map(\.version) == Array(repeating: "1.0.0", count: 5))
    #expect(try await pipeline.judge(.inbound, honest).isAccepted)
    #expect(try await pipeline.judge(.inbound, attack).refusingLayer == "gate.signature")
  }

  @Test func aHostWithoutALayerGivesAGateThatRefuses() async throws {
    let world = CorpusWorld.lived(), honest = world.next().sealed()
    let host = PluginHost(configuration: HostConfiguration(), services: world)
    let pipeline = try GatePipeline(settings: GateSettings(), layers: host, clock: world, store: KeptVerdicts())
    #expect(pipeline.status.count == 10)
    let report = try await pipeline.judge(.inbound, honest)
    #expect(report.refusingLayer == "gate.format" && report.verdicts.count == 1)
  }
}

/// A host of which only the first five layers are seen.
private struct OnlyFirst: GateLayerSource {
  let host: PluginHost
  var layerIds: [String] { host.layerIds.filter(FirstFive.ids.contains) }
  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer { try host.layer(id, in: range) }
}
