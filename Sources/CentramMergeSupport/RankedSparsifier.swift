internal import CKernels
internal import CentramNumerics
public import CentramPluginAPI

/// Keeps entries with a probability that grows with their rank by magnitude inside their row, from density − epsilon to
/// density + epsilon (MAGPRUNE of DELLA, arXiv 2406.11617).
///
/// Ranking is the costly part, so it is done once, and a bit an entry is kept for the pass that writes.
public struct RankedSparsifier: Sparsifier {
  public let granularity = BlockGranularity.rows
  /// Σ|d| / Σ|kept d| of each task vector.
  public let scales: [Double]
  private let base: Int, inputs: [Int]
  private let stripes: [Stripe]

  /// The decisions of one stripe.
  private struct Stripe: Sendable {
    var bits: [[UInt8]]
    /// Where the bits of the block at an offset start.
    var starts: [Int: Int] = [:]
    var lengths: Lengths
  }

  /// Decides, in one pass.
  public init(_ request: MergeRequest, _ sum: TaskVectorSum) throws(PluginError) {
    let (base, inputs) = (sum.base, sum.inputs)
    (self.base, self.inputs) = (base, inputs)
    var rules: [Rule] = []
    for (vector, input) in inputs.enumerated() {
      rules.append(
        try Rule(
          density: try request.parameters.requiredNumber("density", input: input),
          epsilon: try request.parameters.requiredNumber("epsilon", input: input), model: request.models[input],
          random: ElementRandom(seed: request.seed, name: request.tensor, stream: vector)))
    }
    let row = max(1, request.rowLength), fixed = rules
    // Without room for a stripe from the start, growing would take up twice the memory.
    let room = request.count / 8 / max(1, request.driver.stripeCount(.rows)) * 17 / 16 + 64
    stripes = try request.foldStripes(.rows) {
      Stripe(bits: inputs.map { _ in .withCapacity(room) }, lengths: Lengths(count: inputs.count))
    } _: { (state, _, block) throws(PluginError) in
      state.starts[block.offset] = state.bits[0].count
      try withScratch(UInt8.self, block.count) { (mask) throws(PluginError) in
        for (vector, input) in inputs.enumerated() {
          let (x, b) = (block.inputs[input], block.inputs[base])
          try fixed[vector].decide(request, input: input, x, b, offset: block.offset, count: block.count, row: row, into: mask)
          state.bits[vector].append(contentsOf: repeatElement(0, count: (block.count + 7) / 8))
          let start = state.starts[block.offset]!
          state.bits[vector].withUnsafeMutableBufferPointer { ck_pack_bits(mask, $0.baseAddress! + start, block.count) }
          try state.lengths.add(vector, x, b, mask, count: block.count)
        }
      }
    }
    scales = Lengths.scales(stripes.map(\.lengths))
  }

  public func write(
    _ vector: Int, stripe: Int, block: MergeBlock, from start: Int, count: Int, into target: UnsafeMutablePointer<Float>
  ) throws(PluginError) {
    guard let first = stripes[stripe].starts[block.offset] else {
      throw PluginError(.internalFailure, "the block at \(block.offset) was not in the first pass")
    }
    try withScratch(UInt8.self, count) { (mask) in
      stripes[stripe].bits[vector].withUnsafeBufferPointer { ck_unpack_bits($0.baseAddress! + first + start / 8, mask, count) }
      ck_keep_masked(block.inputs[inputs[vector]] + start, block.inputs[base] + start, mask, target, count)
    }
  }

  /// How one task vector is pruned.
  private struct Rule: Sendable {
    let density: Double, epsilon: Double
    let random: ElementRandom

    init(density: Double, epsilon: Double, model: String, random: ElementRandom) throws(PluginError) {
      (self.density, self.epsilon, self.random) = (density, epsilon, random)
      guard density < 1, density > 0 else { return }
      guard density - epsilon >= 0, density + epsilon <= 1 else {
        throw PluginError(
          .invalid, "\(model): density \(density) ± epsilon \(epsilon) is not a probability; both ends must be in 0...1")
      }
    }

    func decide(
      _ request: MergeRequest, input: Int, _ x: UnsafePointer<Float>, _ b: UnsafePointer<Float>, offset: Int, count: Int, row: Int,
      into mask: UnsafeMutablePointer<UInt8>
    ) throws(PluginError) {
      guard density < 1 else { return mask.update(repeating: 1, count: count) }
      if request.fillMask(.init(start: mask, count: count), input: input, offset: offset) { return }
      guard density > 0 else { return mask.update(repeating: 0, count: count) }
      // The probability at rank r of m is low + r·step; a row of one has the mean.
      let low = (row > 1 ? density - epsilon : density) * 4_294_967_296
      let step = row > 1 ? 2 * epsilon / Double(row - 1) * 4_294_967_296 : 0
      try withScratch(UInt32.self, 2 * row) { (words) throws(PluginError) in
        try withScratch(UInt64.self, row) { (entries) in
          for start in stride(from: 0, to: count, by: row) {
            random.fill(words, index: offset + start, count: row)
            ck_keys_of_differences(x + start, b + start, words + row, row)
            ck_keep_by_rank(words + row, words, row, low, step, entries, mask + start)
          }
        }
      }
    }
  }
}

extension Lengths {
  /// Adds a block of one task vector and a mask of what is kept.
  mutating func add(
    _ vector: Int, _ x: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ mask: UnsafePointer<UInt8>, count: Int
  ) throws(PluginError) {
    try withScratch(Float.self, pieceLength) { (delta) in
      for start in stride(from: 0, to: count, by: pieceLength) {
        let length = min(pieceLength, count - start)
        ck_difference(x + start, b + start, delta, length)
        whole[vector] += ck_l1(delta, length)
        ck_keep_masked(x + start, b + start, mask + start, delta, length)
        kept[vector] += ck_l1(delta, length)
      }
    }
  }
}

extension [UInt8] {
  fileprivate static func withCapacity(_ capacity: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(capacity)
    return bytes
  }
}
