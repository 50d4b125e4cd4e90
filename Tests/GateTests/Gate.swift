import CentramGenome
import CentramHost
import CentramNode
import CentramPluginAPI
import GateCorpus
import LinkedGate
import Synchronization
import Testing

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
