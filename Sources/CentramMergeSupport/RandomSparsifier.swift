internal import CKernels
internal import CentramNumerics
public import CentramPluginAPI

/// Keeps each entry with a probability of its own task vector, independently (DARE, arXiv 2311.03099).
public struct RandomSparsifier: Sparsifier {
  public let granularity = BlockGranularity.any
  private let request: MergeRequest
  private let base: Int, inputs: [Int]
  private let densities: [Double]
  private let random: [ElementRandom]

  public init(_ request: MergeRequest, _ sum: TaskVectorSum) throws(PluginError) {
    (self.request, base, inputs) = (request, sum.base, sum.inputs)
    densities = try request.numbers("density", of: inputs)
    random = inputs.indices.map { ElementRandom(seed: request.seed, name: request.tensor, stream: $0) }
  }

  /// Whether it leaves anything out.
  public var isIdentity: Bool { densities.allSatisfy { $0 >= 1 } }

  public func write(
    _ vector: Int, stripe: Int, block: MergeBlock, from start: Int, count: Int, into target: UnsafeMutablePointer<Float>
  ) throws(PluginError) {
    let (x, b) = (block.inputs[inputs[vector]] + start, block.inputs[base] + start)
    guard densities[vector] < 1, let limit = ElementRandom.limit(densities[vector]) else { return ck_difference(x, b, target, count) }
    if request.masks != nil {
      var isGiven = false
      try withScratch(UInt8.self, count) { (mask) in
        isGiven = request.fillMask(.init(start: mask, count: count), input: inputs[vector], offset: block.offset + start)
        if isGiven { ck_keep_masked(x, b, mask, target, count) }
      }
      if isGiven { return }
    }
    try withScratch(UInt32.self, count) { (words) in
      random[vector].fill(words, index: block.offset + start, count: count)
      ck_keep_below(x, b, words, limit, target, count)
    }
  }
}
