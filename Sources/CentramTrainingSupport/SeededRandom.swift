internal import CentramNumerics
public import CentramPluginAPI
internal import CModelKernels

/// Random numbers of training: Philox, keyed by seed and purpose, counted by step. Nothing has to be kept for a resume.
public struct SeededRandom: Sendable {
  private let seed: UInt64
  private let purpose: String

  public init(seed: UInt64, purpose: String) { (self.seed, self.purpose) = (seed, purpose) }

  /// Which of `count` examples take part in a step, each with the same probability, independently. In order.
  public func poissonSample(step: Int, count: Int, rate: Double) -> [Int] {
    guard rate < 1 else { return Array(0..<count) }
    // 53 bits of a pair of words, compared as whole numbers.
    let limit = UInt64(max(0, rate) * 9_007_199_254_740_992)
    let random = ElementRandom(seed: seed, name: purpose, stream: step)
    var result: [Int] = []
    let chunk = 4096
    var words = [UInt32](repeating: 0, count: 2 * min(chunk, max(1, count)))
    for start in stride(from: 0, to: count, by: chunk) {
      let length = min(chunk, count - start)
      random.fill(&words, index: 2 * start, count: 2 * length)
      for index in 0..<length {
        let draw = (UInt64(words[2 * index]) << 32 | UInt64(words[2 * index + 1])) >> 11
        if draw < limit { result.append(start + index) }
      }
    }
    return result
  }

  /// Adds Gaussian noise to the gradients of all tensors.
  /// - Parameter deviation: of each element.
  public func addGaussian(to tensors: [TrainableTensor], deviation: Double, step: Int) {
    let chunk = 8192
    var words = [UInt32](repeating: 0, count: 2 * chunk)
    for tensor in tensors {
      // The tensor's name is part of the key, so that no two tensors have the same noise.
      let random = ElementRandom(seed: seed, name: "\(purpose)|\(tensor.name)", stream: step)
      guard let gradient = tensor.gradient.baseAddress else { continue }
      for start in stride(from: 0, to: tensor.gradient.count, by: chunk) {
        let length = min(chunk, tensor.gradient.count - start)
        random.fill(&words, index: 2 * start, count: 2 * (length + length % 2))
        centram_add_gaussian(words, deviation, gradient + start, length)
      }
    }
  }

  /// `count` of 0 ..< total without repetition, in random order: the smallest draws win.
  public func choose(_ count: Int, of total: Int, step: Int = 0) -> [Int] {
    var words = [UInt32](repeating: 0, count: 2 * total)
    ElementRandom(seed: seed, name: purpose, stream: step).fill(&words, index: 0, count: 2 * total)
    let keys = (0..<total).map { (key: UInt64(words[2 * $0]) << 32 | UInt64(words[2 * $0 + 1]), index: $0) }
    return keys.sorted { ($0.key, $0.index) < ($1.key, $1.index) }.prefix(count).map(\.index)
  }
}
