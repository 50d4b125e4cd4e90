internal import CentramModel
internal import COpenBLAS
internal import Foundation

/// A small language model over bytes (Bengio et al. 2003): the embeddings of the last eight bytes, a projection, residual
/// layers, logits of the next byte. Enough to make real checkpoints in seconds; the trainers of the platform replace it.
struct ByteModel {
  static let context = 8, embedding = 24, hidden = 96, inner = 192, layers = 2, vocabulary = 256

  /// Row-major, outputs × inputs, in this order.
  static let shapes: [(name: String, rows: Int, columns: Int)] =
    [("model.embed_tokens.weight", vocabulary, embedding), ("model.input_proj.weight", hidden, context * embedding)]
    + (0..<layers).flatMap {
      [("model.layers.\($0).mlp.up_proj.weight", inner, hidden), ("model.layers.\($0).mlp.down_proj.weight", hidden, inner)]
    } + [("lm_head.weight", vocabulary, hidden)]

  var tensors: [[Float]]

  /// Normal values of variance 1 / inputs.
  init(seed: UInt64) {
    var random = SplitMix(state: seed)
    tensors = Self.shapes.map { shape in
      let scale = shape.name.contains("embed") ? 1 : 1 / Float(shape.columns).squareRoot()
      return (0..<shape.rows * shape.columns).map { _ in random.normal() * scale }
    }
  }

  init(folder: String) throws {
    let checkpoint = try Checkpoint(path: folder)
    tensors = try Self.shapes.map { shape in
      guard let entry = checkpoint.entry(shape.name), entry.tensor.shape == [shape.rows, shape.columns] else {
        throw DemoError("\(folder): no \(shape.name) of \(shape.rows) × \(shape.columns)")
      }
      return entry.file.floats(of: entry.tensor)
    }
  }

  func save(_ folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/model.safetensors"
    try? FileManager.default.removeItem(atPath: path)
    let writer = try SafetensorsWriter(
      path: path, items: Self.shapes.map { .init(name: $0.name, format: .float32, shape: [$0.rows, $0.columns]) })
    for (shape, values) in zip(Self.shapes, tensors) {
      try values.withUnsafeBytes { try writer.write($0, of: shape.name, at: 0) }
    }
    let configuration = """
      {
        "architectures": ["ByteMLP"],
        "model_type": "byte-mlp",
        "hidden_size": \(Self.hidden),
        "intermediate_size": \(Self.inner),
        "num_hidden_layers": \(Self.layers),
        "vocab_size": \(Self.vocabulary),
        "tie_word_embeddings": false,
        "torch_dtype": "float32"
      }

      """
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
  }
}

struct DemoError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A small generator with a seed (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func normal() -> Float {
    let u = Float.random(in: Float.leastNormalMagnitude..<1, using: &self), v = Float.random(in: 0..<1, using: &self)
    return (-2 * Foundation.log(u)).squareRoot() * cos(2 * .pi * v)
  }
}

/// C = A·B, Aᵀ·B or A·Bᵀ, row-major; added to C if `adding`.
func multiply(
  _ a: [Float], transposeA: Bool = false, _ b: [Float], transposeB: Bool = false, rows: Int, columns: Int, depth: Int, into c: inout [Float],
  adding: Bool = false
) {
  cblas_sgemm(
    CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns), Int32(depth), 1,
    a, Int32(transposeA ? rows : depth), b, Int32(transposeB ? depth : columns), adding ? 1 : 0, &c, Int32(columns))
}
