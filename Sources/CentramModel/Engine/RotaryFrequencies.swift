/// Angles of rotary positions. They are rounded to float32 where transformers rounds them (the inverse frequencies, and their
/// products with positions), because models were trained with those; sine and cosine are of our own.
public struct RotaryFrequencies: Sendable, Equatable {
  /// Radians a position, one for each pair of a head's channels.
  public let inverse: [Float]

  /// - Parameter headSize: even.
  public init(_ rope: RotaryEmbedding, headSize: Int) {
    let logarithm = ElementaryFunctions.log(rope.theta)
    inverse = (0..<headSize / 2).map { pair in
      let power = ElementaryFunctions.exp(logarithm * (Double(2 * pair) / Double(headSize)))
      // Reciprocal of a rounded power, as transformers has it.
      let plain = 1 / Float(power)
      return Float(rope.scaling.apply(to: Double(plain)))
    }
  }

  /// - Parameters:
  ///   - position: less than `ModelConfiguration.maximumContext`.
  ///   - cosines: room for one each pair; so have `sines`.
  public func fill(position: Int, cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>) {
    for (pair, frequency) in inverse.enumerated() {
      let angle = ElementaryFunctions.sineAndCosine(Double(Float(position) * frequency))
      cosines[pair] = Float(angle.cosine)
      sines[pair] = Float(angle.sine)
    }
  }
}

extension RotaryEmbedding.Scaling {
  /// The scaled frequency. llama3: wavelengths longer than context / low are stretched by the factor, those shorter than
  /// context / high stay, and between them the frequency goes over linearly in context / wavelength.
  /// https://huggingface.co/docs/transformers/internal/rope_utils
  func apply(to frequency: Double) -> Double {
    switch self {
    case .none: return frequency
    case .linear(let factor): return frequency / factor
    case .llama3(let factor, let low, let high, let context):
      let turns = context * frequency / (2 * .pi)
      if turns < low { return frequency / factor }
      if turns > high { return frequency }
      let smooth = (turns - low) / (high - low)
      return (1 - smooth) * frequency / factor + smooth * frequency
    }
  }
}
