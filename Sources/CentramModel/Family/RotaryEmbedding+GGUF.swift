internal import Foundation

extension RotaryEmbedding {
  /// Theta and linear scaling are keys; Llama 3's scaling is a tensor of divisors, one a frequency.
  init(_ fields: GGUFFields, headSize: Int) throws(ModelFileError) {
    let file = fields.file
    func unsupported(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(file.path): \(message)") }
    self.init(theta: try fields.number("rope.freq_base", in: ModelLimits.theta) ?? 10000)
    if let rotated = try fields.integer("rope.dimension_count", in: 0...Int.max), rotated != headSize {
      throw unsupported("\(fields.architecture).rope.dimension_count is \(rotated) of \(headSize); heads are rotated whole")
    }
    let type = try fields.string("rope.scaling.type")
    let factors = 0...ModelLimits.ropeFactor.upperBound
    let (scale, oldScale) = (try fields.number("rope.scaling.factor", in: factors), try fields.number("rope.scale_linear", in: factors))
    let factor = scale ?? oldScale ?? 1
    switch type {
    case nil, "linear":
      guard factor != 0, factor != 1 else { break }
      guard factor > 1 else { throw fields.malformed("rope.scaling.factor", "\(factor); at least 1 is needed") }
      scaling = .linear(factor: factor)
    case "none": break
    case let type?:
      throw unsupported("\(fields.architecture).rope.scaling.type \"\(type.prefix(40))\" is not supported; supported are none, linear and rope_freqs.weight of Llama 3")
    }
    if ["rope_factors_long.weight", "rope_factors_short.weight"].contains(where: { file.tensor($0) != nil }) {
      throw unsupported("the rope type longrope (rope_factors_long.weight) is not supported; supported are none, linear and rope_freqs.weight of Llama 3")
    }
    guard let tensor = file.tensor("rope_freqs.weight") else { return }
    guard let divisors = file.divisors, divisors.count == headSize / 2 else {
      throw ModelFileError(.malformed, "\(file.path): rope_freqs.weight is \(tensor.type.name) of shape \(tensor.shape), not F32 of shape [\(headSize / 2)]")
    }
    guard let matched = Scaling(divisors: divisors.map(Double.init), theta: theta) else {
      throw unsupported("rope_freqs.weight holds divisors that no scaling of Llama 3 makes; take the model's Hugging Face folder")
    }
    guard scaling == .none || matched == .none else { throw unsupported("rope_freqs.weight beside a linear scaling is not supported; one of them is") }
    if scaling == .none { scaling = matched }
  }
}

extension GGUFFile {
  /// `rope_freqs.weight`, by which frequencies are divided; nil where there is none of float32.
  var divisors: [Float]? {
    guard let tensor = tensor("rope_freqs.weight"), tensor.type == .f32 else { return nil }
    let bytes = bytes(of: tensor)
    return (0..<tensor.count).map { Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))) }
  }
}

extension RotaryEmbedding.Scaling {
  /// What a frequency is divided by, in double precision. `pair` counts from the highest frequency.
  func divisor(pair: Int, pairs: Int, theta: Double) -> Double {
    switch self {
    case .none: return 1
    case .linear(let factor): return factor
    case .llama3(let factor, let low, let high, let context):
      let turns = Self.turns(context, pair: pair, pairs: pairs, theta: theta)
      if turns < low { return factor }
      if turns > high { return 1 }
      let smooth = (turns - low) / (high - low)
      return 1 / ((1 - smooth) / factor + smooth)
    }
  }

  /// Turns of a pair within `context` positions.
  private static func turns(_ context: Double, pair: Int, pairs: Int, theta: Double) -> Double {
    context / (2 * Double.pi * pow(theta, Double(pair) / Double(pairs)))
  }

  /// The scaling that has these divisors, up to the rounding of float32; nil where there is none.
  ///
  /// Between its two limits Llama 3's scaling is linear in a pair's turns, so two pairs there give the line, and one or none
  /// are met by the parameters that Llama 3 models have. Only ratios of context, low and high matter; low is taken to be 1.
  init?(divisors: [Double], theta: Double) {
    guard let factor = divisors.last, divisors.allSatisfy({ $0.isFinite && $0 >= 1 && $0 <= ModelLimits.ropeFactor.upperBound }) else { return nil }
    let pairs = divisors.count
    func fits(_ scaling: Self) -> Bool {
      divisors.indices.allSatisfy { abs(scaling.divisor(pair: $0, pairs: pairs, theta: theta) - divisors[$0]) <= 2e-5 * divisors[$0] }
    }
    if fits(.none) {
      self = .none
      return
    }
    let largest = divisors.max()!
    let linear = Self.linear(factor: factor)
    for exponent in 5...20 {
      let usual = Self.llama3(factor: largest, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: Double(1 << exponent))
      // Every pair may be stretched alike, or only some.
      if usual != linear, fits(usual), !fits(linear) {
        self = usual
        return
      }
    }
    if fits(linear) {
      self = linear
      return
    }
    let between = divisors.indices.filter { divisors[$0] > 1.0001 && divisors[$0] < largest * 0.9999 }
    guard let first = between.first, let last = between.last, first < last else { return nil }
    func smooth(_ pair: Int) -> Double { (1 / divisors[pair] - 1 / largest) / (1 - 1 / largest) }
    func turns(_ pair: Int) -> Double { Self.turns(1, pair: pair, pairs: pairs, theta: theta) }
    // smooth = slope · turns + offset, where slope = context / (high - low) and offset = -low / (high - low).
    let slope = (smooth(first) - smooth(last)) / (turns(first) - turns(last)), offset = smooth(first) - slope * turns(first)
    guard slope.isFinite, slope > 0, offset < 0 else { return nil }
    let span = -1 / offset
    let fitted = Self.llama3(factor: largest, lowFrequencyFactor: 1, highFrequencyFactor: 1 + span, originalContext: slope * span)
    guard fits(fitted) else { return nil }
    self = fitted
  }
}
