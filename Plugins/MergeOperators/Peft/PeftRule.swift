import CentramPluginAPI

/// A rule of PEFT on tensors of one shape, in float64. The differences from mergekit's rules of the same names: signs are
/// elected before the weights are applied, the sum is divided by the number of tensors that agree, and DARE divides by
/// the density.
struct PeftRule {
  private let options: PeftOptions
  private let request: AdapterMergeRequest
  /// `MODULE|A`, `MODULE|B` or `MODULE|delta`.
  private let name: String

  init(_ options: PeftOptions, _ request: AdapterMergeRequest, part: String) {
    (self.options, self.request, name) = (options, request, "\(request.module)|\(part)")
  }

  func combine(_ tensors: [[Double]], _ weights: [Double]) throws(PluginError) -> [Double] {
    switch options.rule {
    case .linear, .cat: return sum(tensors, weights)
    case .magnitudePrune: return sum(tensors.map(keepingLargest), weights)
    case .ties: return elected(tensors.map(keepingLargest), weights)
    case .dareLinear: return sum(dropped(tensors), weights)
    case .dareTies: return elected(dropped(tensors), weights)
    }
  }

  private func sum(_ tensors: [[Double]], _ weights: [Double]) -> [Double] {
    var result = tensors[0].map { $0 * weights[0] }
    for (tensor, weight) in zip(tensors, weights).dropFirst() {
      for index in result.indices { result[index] += weight * tensor[index] }
    }
    return result
  }

  /// Keeps the ⌊density · n⌋ elements of largest magnitude; of equal ones the first.
  private func keepingLargest(_ tensor: [Double]) -> [Double] {
    guard options.density < 1 else { return tensor }
    let count = Int(options.density * Double(tensor.count))
    guard count > 0 else { return Array(repeating: 0, count: tensor.count) }
    let magnitudes = tensor.map(abs)
    let threshold = magnitudes.sorted(by: >)[count - 1]
    var equal = count - magnitudes.reduce(0) { $0 + ($1 > threshold ? 1 : 0) }
    return tensor.map { element in
      if abs(element) > threshold { return element }
      guard abs(element) == threshold, equal > 0 else { return 0 }
      equal -= 1
      return element
    }
  }

  /// Drops elements at random and divides the others by the density.
  private func dropped(_ tensors: [[Double]]) -> [[Double]] {
    guard options.density < 1 else { return tensors }
    return tensors.enumerated().map { input, tensor in
      let mask = KeepMask(request, name: name, input: input, density: options.density, count: tensor.count)
      return tensor.indices.map { mask.keeps[$0] ? tensor[$0] / options.density : 0 }
    }
  }

  /// Elects a sign for each element, adds up what agrees with it, weighted, and divides by how many do.
  private func elected(_ tensors: [[Double]], _ weights: [Double]) -> [Double] {
    tensors[0].indices.map { index in
      var vote = 0.0
      for tensor in tensors { vote += options.electsByCount ? sign(tensor[index]) : tensor[index] }
      let majority = vote >= 0 ? 1.0 : -1.0
      var sum = 0.0, count = 0.0
      for (tensor, weight) in zip(tensors, weights) where sign(tensor[index]) == majority {
        sum += weight * tensor[index]
        count += 1
      }
      return sum / max(1, count)
    }
  }

  private func sign(_ x: Double) -> Double { x > 0 ? 1 : x < 0 ? -1 : 0 }
}

/// Which elements of a tensor stay: the caller's choice, or one drawn from seed, names and index alone.
struct KeepMask {
  let keeps: [Bool]

  init(_ request: AdapterMergeRequest, name: String, input: Int, density: Double, count: Int) {
    let model = request.models[input]
    var bytes = [UInt8](repeating: 0, count: count)
    if bytes.withUnsafeMutableBufferPointer({ request.masks?.fill($0, tensor: name, model: model, offset: 0) ?? false }) {
      keeps = bytes.map { $0 != 0 }
      return
    }
    var key = Self.mix(request.seed)
    for byte in "\(name)|\(model)".utf8 { key = (key ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    let limit = density * 0x1p53
    keeps = (0..<count).map { Double(Self.mix(Self.mix(key) ^ UInt64($0)) >> 11) < limit }
  }

  /// The finalizer of SplitMix64: every bit of the result depends on every bit of the argument.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
