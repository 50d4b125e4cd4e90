import CentramGenome
import CentramLinearAlgebra
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

@testable import GateLayers_Behaviour
@testable import GateLayers_Consensus
@testable import GateLayers_Fitness
@testable import GateLayers_Norms
@testable import GateLayers_Privacy

/// Seeded numbers for tests (SplitMix64), apart from the generator that the layers use.
struct TestRandom {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func unit() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }
  mutating func normal() -> Double { (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit()) }
  mutating func normals(_ count: Int, deviation: Double = 1) -> [Double] { (0..<count).map { _ in normal() * deviation } }
}

/// Genomes made for a test, with weights that live as long as this.
final class TestGenome: @unchecked Sendable {
  static let author = String(repeating: "a7", count: 32)
  let weights: UnsafeMutableRawBufferPointer
  let configuration: [UInt8], manifest: [UInt8], contentHash: [UInt8]

  /// An adapter of one rank, alpha = rank · scale.
  init(
    _ modules: [ModuleUpdate], domain: String = "code", privacy: Manifest.Privacy? = nil, author: String = TestGenome.author, edit: (inout Manifest) -> Void = { _ in }
  ) throws {
    let rank = modules.first?.factors.rank ?? 1, scale = modules.first?.scale ?? 1
    precondition(modules.allSatisfy { $0.factors.rank == rank && $0.scale == scale }, "one rank and scale for all")
    var tensors: [(name: String, shape: [Int], floats: [Float])] = []
    for module in modules {
      tensors.append(("base_model.model.\(module.module).lora_A.weight", [rank, module.inputs], module.factors.a))
      tensors.append(("base_model.model.\(module.module).lora_B.weight", [module.outputs, rank], module.factors.b))
    }
    weights = Self.safetensors(tensors)
    configuration = Array(#"{"peft_type":"LORA","r":\#(rank),"lora_alpha":\#(scale * Double(rank))}"#.utf8)
    (manifest, contentHash) = try Self.manifest(.adapter, [("adapter_config.json", configuration), ("adapter_model.safetensors", Array(weights))], domain, privacy, author, edit)
  }

  /// A full delta.
  init(delta tensors: [(name: String, shape: [Int], floats: [Float])], domain: String = "code") throws {
    weights = Self.safetensors(tensors)
    configuration = []
    (manifest, contentHash) = try Self.manifest(.fullDelta, [("delta.safetensors", Array(weights))], domain, nil, Self.author, { _ in })
  }

  deinit { weights.deallocate() }

  func candidate(_ direction: GateDirection = .inbound, policy: String = "{}") -> GenomeCandidate {
    GenomeCandidate(
      direction: direction, contentHash: contentHash, manifest: manifest, manifestSignature: Array(repeating: 0, count: 64), adapterConfiguration: configuration,
      weights: UnsafeRawBufferPointer(weights), policyJSON: policy)
  }

  private static func manifest(
    _ kind: GenomeKind, _ files: [(name: String, bytes: [UInt8])], _ domain: String, _ privacy: Manifest.Privacy?, _ author: String, _ edit: (inout Manifest) -> Void
  ) throws -> ([UInt8], [UInt8]) {
    let entries = files.map { Manifest.File(name: $0.name, bytes: $0.bytes) }
    let hash = ContentHash.of(entries)
    var manifest = Manifest(
      id: Hexadecimal.text(hash), base: String(repeating: "0", count: 64), kind: kind, files: entries, author: author, madeMilliseconds: 1, domain: domain,
      trainer: .init(id: "trainer.test", version: "1.0.0"), privacy: privacy, license: "CC0-1.0", agent: "test")
    edit(&manifest)
    return (try manifest.encoded(), hash)
  }

  private static func safetensors(_ tensors: [(name: String, shape: [Int], floats: [Float])]) -> UnsafeMutableRawBufferPointer {
    var header: [String] = [], offset = 0
    for tensor in tensors {
      let size = tensor.floats.count * 4
      header.append(#""\#(tensor.name)":{"dtype":"F32","shape":\#(tensor.shape),"data_offsets":[\#(offset),\#(offset + size)]}"#)
      offset += size
    }
    let text = Array("{\(header.joined(separator: ","))}".utf8)
    let result = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 + text.count + offset, alignment: 64)
    result.storeBytes(of: UInt64(text.count).littleEndian, as: UInt64.self)
    UnsafeMutableRawBufferPointer(rebasing: result[8...]).copyBytes(from: text)
    var place = 8 + text.count
    for tensor in tensors {
      tensor.floats.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: result[place...]).copyMemory(from: $0) }
      place += tensor.floats.count * 4
    }
    return result
  }
}

/// Updates for tests.
enum Updates {
  static let modules = ["model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj", "model.layers.1.self_attn.q_proj", "model.layers.1.mlp.up_proj"]

  /// A random module whose ΔW has the Frobenius norm `norm`.
  static func module(_ name: String, outputs: Int = 12, inputs: Int = 10, rank: Int = 4, norm: Double, scale: Double = 2, random: inout TestRandom) -> ModuleUpdate {
    let a = random.normals(rank * inputs).map(Float.init), b = random.normals(outputs * rank).map(Float.init)
    var result = ModuleUpdate(module: name, outputs: outputs, inputs: inputs, scale: scale, factors: LowRankFactors(rank: rank, a: a, b: b))
    let factor = Float(norm / Dense.norm(Dense.delta(result)))
    result.factors.b = b.map { $0 * factor }
    return result
  }

  static func adapter(norm: Double, seed: UInt64, names: [String] = modules) -> [ModuleUpdate] {
    var random = TestRandom(seed)
    return names.map { module($0, norm: norm, random: &random) }
  }

  static func scaled(_ modules: [ModuleUpdate], by factor: Double) -> [ModuleUpdate] {
    modules.map { module in
      var result = module
      result.factors.b = module.factors.b.map { $0 * Float(factor) }
      return result
    }
  }
}

/// The plain judge: ΔW written out.
enum Dense {
  static func delta(_ module: ModuleUpdate) -> Matrix {
    var result = Matrix(zeros: module.outputs, module.inputs)
    let rank = module.factors.rank
    for row in 0..<module.outputs {
      for column in 0..<module.inputs {
        var sum = 0.0
        for k in 0..<rank { sum += Double(module.factors.b[row * rank + k]) * Double(module.factors.a[k * module.inputs + column]) }
        result[row, column] = module.scale * sum
      }
    }
    return result
  }

  static func norm(_ matrix: Matrix) -> Double { matrix.elements.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// All modules as one vector.
  static func vector(_ modules: [ModuleUpdate]) -> [Double] { modules.flatMap { delta($0).elements } }
  static func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
  static func cosine(_ x: [Double], _ y: [Double]) -> Double { dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot() }
}

extension Verdict {
  var isAccepted: Bool { decision == .accept }
  /// Of a rejection.
  var rejection: String? { if case .reject(let reason) = decision { reason } else { nil } }
  var quarantine: String? { if case .quarantine(let reason) = decision { reason } else { nil } }
  var factor: Double? { if case .scale(let factor, _) = decision { factor } else { nil } }
  func value(_ name: String) -> String? { evidence.first { $0.name == name }?.value }
  func measure(_ name: String) -> Double? { value("measure.\(name)").flatMap { Double($0) } }
}

/// The error of a judgement; nil where it gave a verdict.
func failure(_ layer: any GateLayer, _ candidate: GenomeCandidate) async -> PluginError? {
  do throws(PluginError) {
    _ = try await layer.judge(candidate)
    return nil
  } catch { return error }
}
