import CentramModel
import Foundation

/// Checkpoints for the tests: large enough for many blocks, of odd sizes.
enum Models {
  static let shapes: [(String, [Int])] = [
    ("model.embed_tokens.weight", [901, 333]), ("model.layers.0.mlp.up_proj.weight", [777, 333]), ("model.layers.0.norm.weight", [333]),
    ("model.layers.1.mlp.up_proj.weight", [777, 333]), ("model.norm.weight", [333]), ("model.scale", []),
  ]

  /// Writes `base`, `a` and `b`: a and b differ from base by a tenth.
  static func make(in folder: String, format: NumberFormat = .bfloat16, scale: Int = 1) throws {
    var random = Seeded(state: 7)
    // A run of odd length, repeated: quick to make in a debug build.
    let noise = (0..<30_011).map { _ in Float.random(in: -1...1, using: &random) }
    for (number, name) in ["base", "a", "b"].enumerated() {
      let path = folder + "/" + name
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let shapes = shapes.map { ($0.0, $0.1.count == 2 ? [$0.1[0] * scale, $0.1[1]] : $0.1) }
      let writer = try SafetensorsWriter(path: path + "/model.safetensors", items: shapes.map { .init(name: $0.0, format: format, shape: $0.1) })
      let values = noise.indices.map { noise[$0] + (number == 0 ? 0 : 0.1 * noise[($0 + 7 * number) % noise.count]) }
      var bytes = [UInt8](repeating: 0, count: values.count * format.size)
      bytes.withUnsafeMutableBytes { format.encode(values, count: values.count, into: $0.baseAddress!) }
      for (tensor, shape) in shapes {
        let size = shape.reduce(format.size, *)
        for offset in stride(from: 0, to: size, by: bytes.count) {
          try bytes.withUnsafeBytes { try writer.write(UnsafeRawBufferPointer(rebasing: $0[..<min(bytes.count, size - offset)]), of: tensor, at: offset) }
        }
      }
      try Data(#"{"model_type": "test", "num_hidden_layers": 2, "vocab_size": \#(901 * scale), "torch_dtype": "bfloat16"}"#.utf8)
        .write(to: URL(fileURLWithPath: path + "/config.json"))
    }
  }

  static func configuration(_ method: String, in folder: String, perModel: String = "weight: 0.5", shared: String = "", base: Bool = true, inputs: [String] = ["a", "b"]) -> String
  {
    var text = "merge_method: \(method)\nmodels:\n"
    for input in inputs { text += "  - model: \(folder)/\(input)\n" + (perModel.isEmpty ? "" : "    parameters: {\(perModel)}\n") }
    if base { text += "base_model: \(folder)/base\n" }
    if !shared.isEmpty { text += "parameters: {\(shared)}\n" }
    return text
  }
}

/// A generator with a seed.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
