import CentramPluginAPI

/// Numbers from a seed.
struct Generator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % limit }
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// About normal: four uniform numbers, from the bits of one draw.
  mutating func normal() -> Double {
    let bits = next()
    let sum = (bits & 0xffff) &+ (bits >> 16 & 0xffff) &+ (bits >> 32 & 0xffff) &+ (bits >> 48)
    return (Double(sum) - 131_070) / 37_837
  }

  /// A base and models near it. On a grid of 2⁻¹², so that differences are exact and many magnitudes are equal.
  mutating func models(_ inputs: Int, count: Int, spread: Double = 0.01) -> [[Float]] {
    func grid(_ value: Double) -> Double { (value * 4096).rounded() / 4096 }
    let base = (0..<count).map { _ in grid(normal() * 0.2) }
    return (0..<inputs).map { input in base.map { Float(input == 0 ? $0 : $0 + grid(normal() * spread)) } }
  }
}

/// Masks by model, the same for every tensor.
struct FixedMasks: MaskProvider {
  let byModel: [String: [UInt8]]

  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    guard let bytes = byModel[model] else { return false }
    for index in mask.indices { mask[index] = bytes[offset + index] }
    return true
  }
}

extension Parameters {
  /// The same parameters for every input.
  init(_ shared: [String: ParameterValue], each: [[String: ParameterValue]]) { self.init(shared: shared, perInput: each) }
}

/// One way to run a method: its parameters, and how many inputs it gets besides the base.
struct Setup: Sendable, CustomStringConvertible {
  let method: String
  let others: Int
  let hasBase: Bool
  let parameters: Parameters

  var inputs: Int { others + (hasBase ? 1 : 0) }
  var description: String { "\(method) with \(others) inputs\(hasBase ? " and a base" : ""): \(parameters.shared) \(parameters.perInput)" }

  /// Random parameters within the limits, random numbers of inputs.
  init(_ method: String, _ generator: inout Generator) {
    let info = operators[method]!.info
    self.method = method
    hasBase = info.needs.contains(.base) || ((method == "nuslerp" || method == "multislerp") && generator.below(2) == 0)
    let least = max(info.inputs.lowerBound, 1)
    others = min(info.inputs.upperBound, least + generator.below(4))
    var parameters = Parameters(perInput: (0..<(others + (hasBase ? 1 : 0))).map { _ in [:] })
    for specification in info.parameters {
      for input in specification.scope == .shared ? [-1] : Array(parameters.perInput.indices) {
        let value: ParameterValue? =
          switch specification.name {
          case "weight": .number(0.2 + generator.unit())
          case "density": .number([0, 0.001, 0.3, 0.5, 0.8, 1][generator.below(6)])
          case "gamma": .number([0, 0.01, 0.2, 0.6][generator.below(4)])
          case "epsilon" where specification.scope == .perInput: .number(0.0009)
          case "epsilon": .number(0.004)
          case "t": .number(method == "nearswap" ? 0.003 : 1.4 * generator.unit() - 0.2)
          case "lambda": .number(0.3 + generator.unit())
          case "select_topk": .number([0, 0.1, 0.5, 1][generator.below(4)])
          case "scale": generator.below(2) == 0 ? nil : .number(generator.unit())
          case "max_iter": .number(Double(generator.below(12)))
          default: specification.type == .boolean ? .boolean(generator.below(2) == 0) : nil
          }
        guard let value = value ?? specification.defaultValue else { continue }
        if input < 0 { parameters.shared[specification.name] = value } else { parameters.perInput[input][specification.name] = value }
      }
    }
    self.parameters = parameters
  }
}
