import CModelKernels
import CentramModel

/// A model of random weights in any format, in memory.
final class RandomModel: WeightSource, @unchecked Sendable {
  struct Tensor {
    let shape: [Int]
    let format: WeightFormat
    let bytes: [UInt8]
    /// What the bytes stand for.
    let values: [Float]
  }

  let configuration: ModelConfiguration
  var tensors: [String: Tensor] = [:]
  let path = "random"

  private final class Copy {
    let buffer: UnsafeMutableRawBufferPointer
    init(count: Int) { buffer = .allocate(byteCount: count, alignment: 64) }
    deinit { buffer.deallocate() }
  }

  /// - Parameter format: of matrices; norms and biases are float32.
  init(_ configuration: ModelConfiguration, format: WeightFormat = .f32, seed: UInt64 = 1, hasBiasesElsewhere: Bool = false) {
    self.configuration = configuration
    var random = SplitMix(state: seed)
    let family = configuration.family
    func add(_ name: String, _ shape: [Int], scale: Float, offset: Float = 0) {
      let values = (0..<shape.reduce(1, *)).map { _ in offset + scale * random.symmetric() }
      set(name, shape, values, shape.count == 2 ? format : .f32)
    }
    func norm(_ name: String) {
      add(name + ".weight", [configuration.hidden], scale: 0.3, offset: 1)
      if family.norm == .layer { add(name + ".bias", [configuration.hidden], scale: 0.2) }
    }
    add(family.embedding + ".weight", [configuration.vocabulary, configuration.hidden], scale: 1)
    if let positions = family.positionEmbedding { add(positions + ".weight", [configuration.contextLength, configuration.hidden], scale: 0.5) }
    if let head = family.head, !configuration.tiesEmbeddings { add(head + ".weight", [configuration.vocabulary, configuration.hidden], scale: 0.4) }
    norm(family.finalNorm)
    for layer in 0..<configuration.layers {
      norm(family.attentionNorm(layer: layer))
      norm(family.feedForwardNorm(layer: layer))
      for linear in family.linears {
        let (outputs, inputs) = configuration.shape(linear)
        add(family.name(linear, layer: layer)! + ".weight", [outputs, inputs], scale: 2 / Float(inputs).squareRoot())
        let isAttention = [.query, .key, .value].contains(linear)
        if family.hasBiasesEverywhere || (isAttention ? configuration.hasAttentionBias : hasBiasesElsewhere) {
          add(family.name(linear, layer: layer)! + ".bias", [outputs], scale: 0.3)
        }
      }
    }
  }

  func set(_ name: String, _ shape: [Int], _ values: [Float], _ format: WeightFormat = .f32) {
    let columns = shape.last ?? 1
    let rowBytes = format.rowSize(columns: columns)!
    var bytes = [UInt8](repeating: 0, count: values.count / columns * rowBytes)
    var meant = values
    let kernel = mk_format(rawValue: format.rawValue)
    for row in 0..<values.count / columns {
      bytes.withUnsafeMutableBytes { target in
        values.withUnsafeBufferPointer { source in
          let address = target.baseAddress! + row * rowBytes
          precondition(mk_quantize(kernel, source.baseAddress! + row * columns, address, columns) != 0)
          meant.withUnsafeMutableBufferPointer { mk_dequantize(kernel, address, $0.baseAddress! + row * columns, columns) }
        }
      }
    }
    tensors[name] = Tensor(shape: shape, format: format, bytes: bytes, values: meant)
  }

  /// Puts random blocks of a format that has no quantiser here in the place of every matrix but the embedding.
  func setRandomBlocks(_ format: WeightFormat, seed: UInt64) {
    var random = SplitMix(state: seed)
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where tensor.shape.count == 2 && !name.hasPrefix(configuration.family.embedding) {
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      let rowBytes = format.rowSize(columns: columns)!
      var bytes = (0..<rows * rowBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Small float16 scales, so that activations stay in range.
      for block in stride(from: 0, to: bytes.count, by: format.blockSize) {
        for place in format == .q6_K ? [format.blockSize - 1] : [1, 3] { bytes[block + place] = bytes[block + place] & 0x83 | 0x04 }
      }
      var values = [Float](repeating: 0, count: rows * columns)
      bytes.withUnsafeBytes { source in
        values.withUnsafeMutableBufferPointer { target in
          for row in 0..<rows { mk_dequantize(mk_format(rawValue: format.rawValue), source.baseAddress! + row * rowBytes, target.baseAddress! + row * columns, columns) }
        }
      }
      tensors[name] = Tensor(shape: tensor.shape, format: format, bytes: bytes, values: values)
    }
  }

  func model(layers: Range<Int>? = nil) throws -> LanguageModel { try LanguageModel(configuration: configuration, weights: self, layers: layers) }

  var tensorNames: [String] { tensors.keys.sorted() }
  func shape(_ name: String) -> [Int]? { tensors[name]?.shape }

  func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix? {
    guard let tensor = tensors[name] else { return nil }
    guard tensor.shape.count == 2 else { throw ModelFileError(.malformed, "\(name) is no matrix") }
    // One byte off alignment, as files may have it.
    let copy = Copy(count: tensor.bytes.count + 1)
    let place = UnsafeMutableRawBufferPointer(rebasing: copy.buffer[(tensor.format.blockLength > 1 ? 1 : 0)...])
    place.copyBytes(from: tensor.bytes)
    return WeightMatrix(format: tensor.format, rows: tensor.shape[0], columns: tensor.shape[1], bytes: UnsafeRawPointer(place.baseAddress!), owner: copy)
  }

  func vector(_ name: String) throws(ModelFileError) -> [Float]? {
    guard let tensor = tensors[name] else { return nil }
    guard tensor.shape.count == 1 else { throw ModelFileError(.malformed, "\(name) is no vector") }
    return tensor.values
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  /// From -1 to 1.
  mutating func symmetric() -> Float { Float(Int64(bitPattern: next()) >> 40) / Float(1 << 23) }
  mutating func tokens(_ count: Int, below limit: Int) -> [Int32] { (0..<count).map { _ in Int32(next() % UInt64(limit)) } }
}

extension ModelConfiguration {
  /// Small, with heads that do not add up to the hidden size.
  static func small(_ family: ModelFamily = .llama, tied: Bool = false, bias: Bool = false, rope: RotaryEmbedding = .init(theta: 10000)) -> ModelConfiguration {
    ModelConfiguration(
      family: family, layers: 3, hidden: 64, intermediate: 96, heads: 4, keyValueHeads: 2, headSize: 24, vocabulary: 96, contextLength: 640,
      normEpsilon: 1e-5, rope: rope, tiesEmbeddings: tied, hasAttentionBias: bias)
  }

  /// The toy's block in another size.
  static let smallToy = ModelConfiguration(
    family: .gptByte, layers: 2, hidden: 64, intermediate: 128, heads: 4, keyValueHeads: 4, headSize: 16, vocabulary: 96, contextLength: 640,
    normEpsilon: 1e-5, rope: nil, tiesEmbeddings: true, hasAttentionBias: true)
}
