import CModelKernels
import CentramModel

/// Weights in memory, for models too small and too odd to be files.
final class SmallModel: WeightSource, @unchecked Sendable {
  let path = "a model in memory"
  private(set) var values: [String: [Float]] = [:]
  private var shapes: [String: [Int]] = [:]
  private var formats: [String: WeightFormat] = [:]
  private var encoded: [String: UnsafeMutableRawPointer] = [:]
  let configuration: ModelConfiguration

  var tensorNames: [String] { shapes.keys.sorted() }
  func shape(_ name: String) -> [Int]? { shapes[name] }

  /// Random weights of a configuration.
  init(_ configuration: ModelConfiguration, seed: UInt64 = 1) {
    self.configuration = configuration
    let family = configuration.family
    var random = Random(seed)
    func norm(_ module: String) {
      add(module + ".weight", [configuration.hidden], (0..<configuration.hidden).map { _ in 1 + 0.3 * random.next() })
      if family.norm == .layer { add(module + ".bias", [configuration.hidden], (0..<configuration.hidden).map { _ in 0.3 * random.next() }) }
    }
    func matrix(_ module: String, _ rows: Int, _ columns: Int, bias: Bool) {
      add(module + ".weight", [rows, columns], (0..<rows * columns).map { _ in 0.5 * random.next() })
      if bias { add(module + ".bias", [rows], (0..<rows).map { _ in 0.3 * random.next() }) }
    }
    matrix(family.embedding, configuration.vocabulary, configuration.hidden, bias: false)
    if let positions = family.positionEmbedding { matrix(positions, configuration.contextLength, configuration.hidden, bias: false) }
    if let head = family.head, !configuration.tiesEmbeddings { matrix(head, configuration.vocabulary, configuration.hidden, bias: false) }
    norm(family.finalNorm)
    for layer in 0..<configuration.layers {
      norm(family.attentionNorm(layer: layer))
      norm(family.feedForwardNorm(layer: layer))
      for linear in family.linears {
        let (shape, everywhere) = (configuration.shape(linear), family == .gptByte)
        let attention = [.query, .key, .value, .queryKeyValue].contains(linear)
        matrix(family.name(linear, layer: layer)!, shape.outputs, shape.inputs, bias: everywhere || attention && configuration.hasAttentionBias)
      }
    }
  }

  deinit { for memory in encoded.values { memory.deallocate() } }

  private func add(_ name: String, _ shape: [Int], _ list: [Float]) {
    (shapes[name], values[name], formats[name]) = (shape, list, .f32)
    encode(name)
  }

  private func encode(_ name: String) {
    guard let shape = shapes[name], shape.count == 2, let list = values[name], let format = formats[name], let rowSize = format.rowSize(columns: shape[1]) else { return }
    encoded[name]?.deallocate()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: shape[0] * rowSize, alignment: 64)
    list.withUnsafeBufferPointer {
      for row in 0..<shape[0] { precondition(mk_quantize(mk_format(rawValue: format.rawValue), $0.baseAddress! + row * shape[1], memory + row * rowSize, shape[1]) == 1) }
    }
    encoded[name] = memory
  }

  func set(_ name: String, _ list: [Float]) {
    values[name] = list
    encode(name)
  }

  /// Keeps the matrices in a format, and the values that this makes of them.
  func quantize(_ format: WeightFormat) {
    for (name, shape) in shapes where shape.count == 2 {
      formats[name] = format
      encode(name)
      var rounded = [Float](repeating: 0, count: shape[0] * shape[1])
      let rowSize = format.rowSize(columns: shape[1])!
      rounded.withUnsafeMutableBufferPointer {
        for row in 0..<shape[0] { mk_dequantize(mk_format(rawValue: format.rawValue), encoded[name]! + row * rowSize, $0.baseAddress! + row * shape[1], shape[1]) }
      }
      values[name] = rounded
    }
  }

  func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix? {
    guard let shape = shapes[name], let memory = encoded[name] else { return nil }
    return WeightMatrix(format: formats[name] ?? .f32, rows: shape[0], columns: shape[1], bytes: memory, owner: self)
  }

  func vector(_ name: String) throws(ModelFileError) -> [Float]? { values[name] }

  func model() throws -> LanguageModel { try LanguageModel(configuration: configuration, weights: self) }
}

/// Reproducible numbers in -1..<1.
struct Random {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
  mutating func bits() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
  mutating func next() -> Float { Float(bits() >> 40) * 0x1p-23 - 1 }
  mutating func below(_ limit: Int) -> Int { Int(bits() >> 33) % limit }
  mutating func tokens(_ count: Int, below limit: Int) -> [Int32] { (0..<count).map { _ in Int32(below(limit)) } }
}

extension ModelConfiguration {
  private static func small(_ family: ModelFamily, heads: Int, keyValueHeads: Int, headSize: Int, hidden: Int, ties: Bool, bias: Bool, rope: RotaryEmbedding?) -> Self {
    ModelConfiguration(
      family: family, layers: 2, hidden: hidden, intermediate: 13, heads: heads, keyValueHeads: keyValueHeads, headSize: headSize, vocabulary: 21,
      contextLength: 64, normEpsilon: 1e-5, rope: rope, tiesEmbeddings: ties, hasAttentionBias: bias)
  }
  /// Each block kind: layer norm, fused projections, biases everywhere, plain feed-forward part, learned positions.
  static let smallBytes = small(.gptByte, heads: 2, keyValueHeads: 2, headSize: 5, hidden: 10, ties: true, bias: true, rope: nil)
  /// RMS norm, grouped queries, gated, rotary, a head of its own.
  static let smallLlama = small(.llama, heads: 4, keyValueHeads: 2, headSize: 6, hidden: 20, ties: false, bias: false, rope: RotaryEmbedding(theta: 100))
  /// Biases on query, key and value; tied; heads that do not add up to the hidden width; scaled rotary positions.
  static let smallQwen = small(
    .qwen2, heads: 3, keyValueHeads: 1, headSize: 4, hidden: 17, ties: true, bias: true,
    rope: RotaryEmbedding(theta: 50, scaling: .llama3(factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8)))
  static let everyKind = [smallBytes, smallLlama, smallQwen]
}
