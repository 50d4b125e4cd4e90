import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation

/// Makes adapters in memory, so that a test says what matters in it.
struct AdapterFactory {
  struct Generator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &+ 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
    /// In -1..<1.
    mutating func number() -> Float { Float(Int32(truncatingIfNeeded: next() >> 32)) / 0x1p31 }
    mutating func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in number() } }
  }

  /// A file's bytes from tensors of float32.
  static func safetensors(_ tensors: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
    var header = "{", offset = 0
    for tensor in tensors {
      header += header.count > 1 ? "," : ""
      header += "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),\"data_offsets\":[\(offset),\(offset + 4 * tensor.values.count)]}"
      offset += 4 * tensor.values.count
    }
    header += "}"
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
    for tensor in tensors { tensor.values.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    return bytes
  }

  static func configuration(rank: Int = 4, alpha: Double = 8, _ more: String = "") -> [UInt8] {
    Array("{\"peft_type\": \"LORA\", \"r\": \(rank), \"lora_alpha\": \(alpha), \"target_modules\": [\"p\", \"q\"]\(more.isEmpty ? "" : ", " + more)}".utf8)
  }

  struct Module {
    var name: String, outputs: Int, inputs: Int, rank: Int
  }

  static func tensors(_ modules: [Module], seed: UInt64) -> [(name: String, shape: [Int], values: [Float])] {
    var random = Generator(state: seed)
    return modules.flatMap { module in
      [
        ("base_model.model.\(module.name).lora_A.weight", [module.rank, module.inputs], random.numbers(module.rank * module.inputs)),
        ("base_model.model.\(module.name).lora_B.weight", [module.outputs, module.rank], random.numbers(module.outputs * module.rank)),
      ]
    }
  }

  /// An adapter of the given modules; ranks other than `rank` go to rank_pattern.
  static func adapter(
    _ modules: [Module], rank: Int = 4, alpha: Double = 8, seed: UInt64, more: String = "", extra: [(name: String, shape: [Int], values: [Float])] = []
  ) throws -> Adapter {
    let patterns = modules.filter { $0.rank != rank }.map { "\"\($0.name)\": \($0.rank)" }.joined(separator: ", ")
    let members = ["\"rank_pattern\": {\(patterns)}", more].filter { !$0.isEmpty }.joined(separator: ", ")
    return try Adapter(
      configuration: configuration(rank: rank, alpha: alpha, members), tensors: safetensors(tensors(modules, seed: seed) + extra), name: "made-\(seed)")
  }
}

extension AdapterMergeJob {
  /// A job with one weight an adapter and shared parameters.
  static func simple(
    _ rule: String, _ adapters: [Adapter], _ weights: [Double], shared: [String: ParameterValue] = [:], options: Options = Options()
  ) throws -> AdapterMergeJob {
    let parameters = Parameters(shared: shared, perInput: weights.map { ["weight": .number($0)] })
    return AdapterMergeJob(
      adapters.enumerated().map { .init(name: "model\($0)", adapter: $1) }, rule: rule, operation: try Operators.make(rule), options: options,
      parameters: { _ in parameters }, resolve: Operators.resolve)
  }
}

/// Σ wᵢ sᵢ Bᵢ Aᵢ of one module in float64, by plain loops.
func weightedSum(_ adapters: [Adapter], _ weights: [Double], _ module: String) throws -> [Double] {
  var result: [Double] = []
  for (adapter, weight) in zip(adapters, weights) {
    guard let module = adapter.module(module) else { continue }
    let delta = try adapter.delta(module)
    if result.isEmpty { result = Array(repeating: 0, count: delta.count) }
    for index in delta.indices { result[index] += weight * delta[index] }
  }
  return result
}
