// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Synchronization

/// A gate layer under test and genomes for it.
struct GateScene: Sendable {
  let configurationJSON: String
  let options: GateLayerConformance.Options
  let services: [String: any Sendable]
  let make: GateLayerConformance.Factory

  /// An instance of its own.
  func layer(without missing: String? = nil, asked: AskedServices? = nil) throws(PluginError) -> any GateLayer {
    let host = WatchedServices(services: missing.map { missing in services.filter { $0.key != missing } } ?? services, asked: asked)
    return try make(PluginEnvironment(services: host, configurationJSON: configurationJSON))
  }

  var samples: [GateSample] { options.samples.isEmpty ? (0..<3).map { GateSample.small(seed: options.seed &+ UInt64($0)) } : options.samples }

  /// The samples, and what damage makes of them, as often as wanted and allowed.
  func candidates(damaged: Int) -> [GateSample] {
    samples
      + (0..<damaged).map { number in
        var random = SuiteRandom(options.seed &+ UInt64(number) &* 0x1_0001)
        return samples[number % samples.count].damaged(&random)
      }
  }

  /// The directions that a layer says it judges.
  func directions(_ layer: any GateLayer) -> [GateDirection] { [.inbound, .outbound].filter { layer.info.directions.contains($0) } }
}

/// What a layer answered.
enum GateOutcome: Sendable, Equatable, CustomStringConvertible {
  case verdict(Verdict), error(PluginError)

  var description: String {
    switch self {
    case .verdict(let verdict): "\(verdict.decision) with \(verdict.evidence.count) pieces of evidence"
    case .error(let error): "the error \(error)"
    }
  }

  /// Whole, or scaled.
  var isAccepted: Bool {
    guard case .verdict(let verdict) = self else { return false }
    switch verdict.decision {
    case .accept, .scale: return true
    default: return false
    }
  }
}

extension GateLayer {
  /// Judges a genome in memory of its own.
  func outcome(_ sample: GateSample, _ direction: GateDirection, policy: String = "{}") async -> GateOutcome { await judged(sample, direction, policy: policy).outcome }

  /// The same, and whether the genome's weights are as they were.
  func judged(_ sample: GateSample, _ direction: GateDirection, policy: String = "{}") async -> (outcome: GateOutcome, isUnchanged: Bool) {
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: sample.weights.count, alignment: 64)
    weights.copyBytes(from: sample.weights)
    defer { weights.deallocate() }
    let candidate = GenomeCandidate(
      direction: direction, contentHash: sample.contentHash, manifest: sample.manifest, manifestSignature: sample.signature,
      adapterConfiguration: sample.configuration, weights: UnsafeRawBufferPointer(weights), policyJSON: policy)
    let result: GateOutcome
    do throws(PluginError) { result = .verdict(try await judge(candidate)) } catch { result = .error(error) }
    return (result, weights.elementsEqual(sample.weights))
  }
}

/// The services that were asked for.
final class AskedServices: Sendable {
  private let ids = Mutex<Set<String>>([])
  var all: Set<String> { ids.withLock { $0 } }
  func note(_ id: String) { ids.withLock { _ = $0.insert(id) } }
}

private struct WatchedServices: HostServices {
  let services: [String: any Sendable], asked: AskedServices?
  func service(_ id: String) -> (any Sendable)? {
    asked?.note(id)
    return services[id]
  }
  func log(_ level: LogLevel, _ message: String) {}
}

extension GateSample {
  /// An adapter of one module, with a manifest that no author wrote.
  static func small(seed: UInt64) -> GateSample {
    var random = SuiteRandom(seed)
    let header = """
      {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},\
      "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight":{"dtype":"F32","shape":[4,2],"data_offsets":[32,64]}}
      """
    var weights = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) } + Array(header.utf8)
    for _ in 0..<16 { withUnsafeBytes(of: random.float().bitPattern.littleEndian) { weights += Array($0) } }
    return GateSample(
      contentHash: random.bytes(32), manifest: Array(#"{"format":"suite","seed":\#(seed)}"#.utf8), signature: random.bytes(64),
      configuration: Array(#"{"peft_type":"LORA","r":2,"lora_alpha":4,"target_modules":["q_proj"]}"#.utf8), weights: weights)
  }

  /// The same with bytes changed, cut off, repeated or drawn.
  func damaged(_ random: inout SuiteRandom) -> GateSample {
    func damage(_ bytes: [UInt8]) -> [UInt8] {
      guard !bytes.isEmpty else { return random.bytes(random.below(40)) }
      var bytes = bytes
      switch random.below(6) {
      case 0: return []
      case 1: return Array(bytes.prefix(random.below(bytes.count)))
      case 2: return random.bytes(random.below(300))
      case 3: return bytes + bytes.prefix(random.below(64))
      default:
        for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
        return bytes
      }
    }
    var result = self
    for _ in 0...random.below(2) {
      switch random.below(5) {
      case 0: result.manifest = damage(manifest)
      case 1: result.configuration = damage(configuration)
      case 2: result.contentHash = random.bytes(32)
      case 3: result.signature = random.bytes(64)
      default: result.weights = damage(weights)
      }
    }
    return result
  }
}
