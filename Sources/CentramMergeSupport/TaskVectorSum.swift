internal import CKernels
public import CentramPluginAPI

/// Leaves entries out of task vectors.
public protocol Sparsifier: Sendable {
  /// Where its passes may be cut.
  var granularity: BlockGranularity { get }
  /// Writes the `vector`th task vector of a part of a block, 0 where it leaves an entry out. Called for the parts of a
  /// stripe in order.
  func write(
    _ vector: Int, stripe: Int, block: MergeBlock, from start: Int, count: Int, into target: UnsafeMutablePointer<Float>
  ) throws(PluginError)
}

/// Base plus a weighted sum of sparsified task vectors, with or without the election of signs: what TIES, DARE, DELLA and
/// Model Breadcrumbs have in common ("generalized task arithmetic").
public struct TaskVectorSum: Sendable {
  public let base: Int
  /// The inputs whose differences from the base are summed.
  public let inputs: [Int]
  let weights: [Double]
  let normalize: Bool
  let lambda: Double
  let elects: Bool

  /// - Parameter elects: whether only entries with the sign of the weighted sum take part (TIES, arXiv 2306.01708).
  public init(_ request: MergeRequest, elects: Bool) throws(PluginError) {
    (base, inputs, self.elects) = (try request.base(), request.others, elects)
    weights = try request.numbers("weight", of: inputs)
    normalize = try request.parameters.flag("normalize")
    lambda = try request.parameters.requiredNumber("lambda")
  }

  /// Sum of the weights, 1 where they cancel.
  private var divisor: Double {
    let sum = weights.reduce(0, +)
    return normalize && abs(sum) >= 1e-8 ? sum : 1
  }

  /// What each task vector is multiplied by in all.
  public var shares: [Double] { weights.map { $0 * lambda / divisor } }

  /// Writes the output.
  /// - Parameter scales: a factor for each task vector; nil: 1.
  public func write(_ request: MergeRequest, _ sparsifier: some Sparsifier, scales: [Double]?) throws(PluginError) {
    let stretched: [Double] = inputs.indices.map { weights[$0] * (scales?[$0] ?? 1) }
    let scaled = stretched.map(Float.init)
    let factors = stretched.map { Float($0 * lambda / divisor) }
    let (shares, factor) = (weights.map(Float.init), Float(lambda))
    try request.writeStripes(sparsifier.granularity) { (stripe, block) throws(PluginError) in
      try withScratch(Float.self, inputs.count * pieceLength) { (buffer) throws(PluginError) in
        let deltas: [UnsafePointer<Float>?] = inputs.indices.map { UnsafePointer(buffer + $0 * pieceLength) }
        try block.forEachPiece { (start, count) throws(PluginError) in
          for vector in inputs.indices {
            try sparsifier.write(vector, stripe: stripe, block: block, from: start, count: count, into: buffer + vector * pieceLength)
          }
          let (b, y) = (block.inputs[base] + start, block.output + start)
          if elects {
            ck_add_elected(deltas, scaled, shares, inputs.count, normalize ? 1 : 0, factor, b, y, count)
          } else {
            ck_add_sum(deltas, factors, inputs.count, b, y, count)
          }
        }
      }
    }
  }

  /// `scales` if the user asked for `rescale`.
  public func scalesIfWanted(_ request: MergeRequest, _ sparsifier: some Sparsifier) throws(PluginError) -> [Double]? {
    try request.parameters.flag("rescale") ? scales(request, sparsifier) : nil
  }

  /// How much shorter a sparsifier makes each task vector: Σ|d| / Σ|kept d|, the factor that makes up for it. 1 where
  /// nothing is left.
  public func scales(_ request: MergeRequest, _ sparsifier: some Sparsifier) throws(PluginError) -> [Double] {
    let states = try request.foldStripes(sparsifier.granularity) {
      Lengths(count: inputs.count)
    } _: { (lengths, stripe, block) throws(PluginError) in
      try withScratch(Float.self, pieceLength) { (delta) throws(PluginError) in
        try block.forEachPiece { (start, count) throws(PluginError) in
          for vector in inputs.indices {
            ck_difference(block.inputs[inputs[vector]] + start, block.inputs[base] + start, delta, count)
            lengths.whole[vector] += ck_l1(delta, count)
            try sparsifier.write(vector, stripe: stripe, block: block, from: start, count: count, into: delta)
            lengths.kept[vector] += ck_l1(delta, count)
          }
        }
      }
    }
    return Lengths.scales(states)
  }
}

/// Sums of magnitudes of task vectors, before and after some entries were left out.
public struct Lengths: Sendable {
  public var whole: [Double], kept: [Double]

  public init(count: Int) {
    whole = Array(repeating: 0, count: count)
    kept = whole
  }

  /// Whole by kept, summed over the stripes; 1 where nothing is kept.
  public static func scales(_ stripes: [Lengths]) -> [Double] {
    stripes[0].whole.indices.map { vector in
      let whole = stripes.reduce(0) { $0 + $1.whole[vector] }, kept = stripes.reduce(0) { $0 + $1.kept[vector] }
      return kept > 0 ? whole / kept : 1
    }
  }
}
