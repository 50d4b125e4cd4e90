import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import GateCorpus
import GateLayers_Admission
import GateLayers_Format
import GateLayers_Freshness
import GateLayers_Lineage
import GateLayers_Signature
import Synchronization
import Testing

/// The first five layers, taken through the door that a host takes them through.
struct FirstFive: GateLayerSource {
  static let ids = Array(GateSettings.standardLayers.prefix(5))
  let services: any HostServices

  var layerIds: [String] { Self.ids }

  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer {
    let descriptors = [
      GateLayers_Format.centramPluginDescriptor(), GateLayers_Signature.centramPluginDescriptor(), GateLayers_Freshness.centramPluginDescriptor(),
      GateLayers_Lineage.centramPluginDescriptor(), GateLayers_Admission.centramPluginDescriptor(),
    ]
    for descriptor in descriptors where String(cString: descriptor.pointee.id) == id {
      guard let box = descriptor.pointee.get_interface("centram.swift/1"),
        case .gateLayer(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability, let layer = try? make(PluginEnvironment(services: services))
      else { break }
      return LoadedGateLayer(id: id, version: String(cString: descriptor.pointee.version), layer: layer)
    }
    throw GateError(.layer, "no layer \(id)")
  }
}

/// Keeps verdicts in memory.
final class KeptVerdicts: VerdictStore {
  private let state = Mutex<[GateReport]>([])
  var reports: [GateReport] { state.withLock { $0 } }
  func keep(_ report: GateReport) async throws { state.withLock { $0.append(report) } }
}

extension GatePipeline {
  func judge(_ direction: GateDirection = .inbound, _ genome: CorpusGenome) async throws(GateError) -> GateReport {
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: genome.weights.count, alignment: 64)
    weights.copyBytes(from: genome.weights)
    defer { weights.deallocate() }
    return try await judge(
      direction, manifest: genome.manifest, signature: genome.signature, configuration: genome.configuration, weights: UnsafeRawBufferPointer(weights))
  }
}

/// The verdict of the first five layers.
func judge(
  _ genome: CorpusGenome, _ direction: GateDirection = .inbound, in world: CorpusWorld, without disabled: Set<String> = [], policies: [String: String] = [:]
) async throws -> GateReport {
  var settings = GateSettings(required: FirstFive.ids)
  (settings.disabled, settings.policies) = (disabled, policies)
  return try await GatePipeline(settings: settings, layers: FirstFive(services: world), clock: world, store: KeptVerdicts()).judge(direction, genome)
}

func bytes(_ hex: String) -> [UInt8] { Hexadecimal.bytes(hex) ?? [] }
