internal import CentramHost
internal import CentramModel
internal import CentramNode
internal import Foundation

/// Checkpoints in the shape of Qwen2-0.5B on the disk, and the merge of them into a new one, as `centram-host merge` does it. Nothing is
/// hashed, for that costs the same in both ways and would make their ratio look better.
struct MergeCase {
  /// With `base`, `a` and `b`.
  private let models: String
  private let output: String
  private let isOwn: Bool

  /// - Parameters:
  ///   - elements: at most so many are written.
  ///   - models: a folder as Benchmarks/Merge/make_checkpoints.py writes it; nil: random ones are written.
  init(elements: Int, models given: String?) throws {
    let folder = NSTemporaryDirectory() + "/centram-isolation-models-\(getpid())"
    (models, isOwn, output) = (given ?? folder, given == nil, folder + "-output")
    guard given == nil else { return }
    for (seed, name) in ["base", "a", "b"].enumerated() { try Self.write("\(folder)/\(name)", elements: elements, seed: UInt64(seed) + 1) }
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: output)
    if isOwn { try? FileManager.default.removeItem(atPath: models) }
  }

  private static func write(_ folder: String, elements: Int, seed: UInt64) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var shapes: [(String, [Int])] = [("model.embed_tokens.weight", [151_936, 896])]
    for layer in 0..<24 {
      let own: [(String, [Int])] = [
        ("input_layernorm.weight", [896]), ("mlp.down_proj.weight", [896, 4864]), ("mlp.gate_proj.weight", [4864, 896]), ("mlp.up_proj.weight", [4864, 896]),
        ("post_attention_layernorm.weight", [896]), ("self_attn.k_proj.weight", [128, 896]), ("self_attn.k_proj.bias", [128]), ("self_attn.o_proj.weight", [896, 896]),
        ("self_attn.q_proj.weight", [896, 896]), ("self_attn.q_proj.bias", [896]), ("self_attn.v_proj.weight", [128, 896]), ("self_attn.v_proj.bias", [128]),
      ]
      shapes += own.map { ("model.layers.\(layer).\($0.0)", $0.1) }
    }
    var sum = 0
    let items = (shapes + [("model.norm.weight", [896])]).map { SafetensorsWriter.Item(name: $0.0, format: .bfloat16, shape: $0.1) }.filter { item in
      let fits = sum + item.byteCount / 2 <= elements
      if fits { sum += item.byteCount / 2 }
      return fits
    }
    let writer = try CheckpointWriter(folder: folder, items: items, shardSize: .max)
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    let part = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 1 << 17)
    defer { part.deallocate() }
    for item in items {
      for start in stride(from: 0, to: item.byteCount, by: part.count * 8) {
        let bytes = min(part.count * 8, item.byteCount - start)
        for index in 0..<((bytes + 7) / 8) {
          state ^= state << 13
          state ^= state >> 7
          state ^= state << 17
          // Four numbers of both signs about 0.02.
          part[index] = state & 0x81ff_81ff_81ff_81ff | 0x3c00_3c00_3c00_3c00
        }
        try writer.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(part)[..<bytes]), of: item.name, at: start)
      }
    }
    try writer.finish(synchronizing: false)
  }

  /// What one merge works on, in words.
  func summary(_ host: PluginHost) throws -> String {
    guard let forecast = try job("linear", host).plans().first else { return "" }
    return "\(forecast.elements / 1_000_000) M parameters in \(forecast.tensorsMerged) tensors"
  }

  /// Removes the last output, which is not part of a merge.
  func prepare() { try? FileManager.default.removeItem(atPath: output) }

  func merge(_ method: String, _ host: PluginHost) throws { _ = try job(method, host).run(output: output, observer: MergeObserver()) }

  /// Of the last output's tensors.
  func checksum() throws -> String? { try FileHash.hash(SafetensorsFile(path: output + "/model.safetensors"), .xxh128) }

  private func job(_ method: String, _ host: PluginHost) throws -> MergeJob {
    var text = "merge_method: \(method)\n" + (method == "linear" ? "" : "base_model: \(models)/base\n") + "models:\n"
    for model in ["a", "b"] { text += "  - model: \(models)/\(model)\n    parameters: {weight: 0.5\(method == "ties" ? ", density: 0.5" : "")}\n" }
    var options = MergeOptions()
    options.threads = ProcessInfo.processInfo.activeProcessorCount
    options.hash = .none
    return try MergeJob(configuration: text, name: "bench", operators: OperatorChoice(host), options: options)
  }
}
