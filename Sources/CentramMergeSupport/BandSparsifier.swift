internal import CKernels
public import CentramPluginAPI

/// Keeps the entries of each task vector whose magnitude is in a band of ranks.
public struct BandSparsifier: Sparsifier {
  /// What to keep of a task vector: ranks in ascending order of magnitude, equal magnitudes by index.
  public enum Choice: Sendable, Equatable {
    case all, none
    /// The `count` greatest; of equal ones the first.
    case greatest(Int)
    case ranks(Range<Int>)
  }

  public let granularity = BlockGranularity.any
  private let base: Int, inputs: [Int]
  /// nil: keeps nothing.
  private let cursors: [BandCursor?]

  /// Finds the edges of the bands, in a few passes.
  public init(_ request: MergeRequest, _ sum: TaskVectorSum, _ choices: [Choice]) throws(PluginError) {
    let total = request.count
    let (base, inputs) = (sum.base, sum.inputs)
    (self.base, self.inputs) = (base, inputs)
    let ranks: [[Int]] = choices.map {
      switch $0 {
      case .all, .none: []
      case .greatest(let count): [total - count]
      case .ranks(let range): [range.lowerBound, range.upperBound - 1]
      }
    }
    let found = try request.search(ranks) { (vector, block, start, count, keys) in
      ck_keys_of_differences(block.inputs[inputs[vector]] + start, block.inputs[base] + start, keys, count)
    }
    let stripes = max(1, request.driver.stripeCount(.any))
    cursors = zip(choices, found).map { choice, keys in
      switch choice {
      case .none: nil
      case .all: BandCursor(.all, stripes: stripes)
      case .greatest(let count): BandCursor(.greatest(count, of: total, keys[0]), stripes: stripes)
      case .ranks(let range): BandCursor(.ranks(range, first: keys[0], last: keys[1]), stripes: stripes)
      }
    }
  }

  /// The same bands for another pass.
  private init(_ other: BandSparsifier, stripes: Int) {
    (base, inputs) = (other.base, other.inputs)
    cursors = other.cursors.map { $0.map { $0.restarted(stripes: stripes) } }
  }

  public func restarted(_ request: MergeRequest) -> BandSparsifier {
    BandSparsifier(self, stripes: max(1, request.driver.stripeCount(.any)))
  }

  public func write(
    _ vector: Int, stripe: Int, block: MergeBlock, from start: Int, count: Int, into target: UnsafeMutablePointer<Float>
  ) throws(PluginError) {
    let (x, b) = (block.inputs[inputs[vector]] + start, block.inputs[base] + start)
    guard let cursor = cursors[vector] else { return target.update(repeating: 0, count: count) }
    if cursor.isPlain(stripe) {
      if let bounds = cursor.bounds(stripe) {
        ck_keep_band(x, b, bounds.lowerBound, bounds.upperBound, target, count)
      } else {
        target.update(repeating: 0, count: count)
      }
      return
    }
    try withScratch(UInt32.self, count) { (keys) throws(PluginError) in
      try withScratch(UInt8.self, count) { (mask) in
        ck_keys_of_differences(x, b, keys, count)
        cursor.mark(keys, count: count, stripe: stripe, into: mask)
        ck_keep_masked(x, b, mask, target, count)
      }
    }
  }
}

extension BandSparsifier.Choice {
  /// `density` of the entries, below the `gamma` greatest.
  public static func breadcrumbs(density: Double, gamma: Double, count: Int) -> Self {
    if density >= 1 { return .all }
    let kept = Int(density * Double(count)), top = Int(gamma * Double(count))
    let first = max(0, count - kept - top)
    return kept > 0 ? .ranks(first..<min(count, first + kept)) : .none
  }
}

extension TaskVectorSum {
  /// Writes the output from task vectors that were trimmed by magnitude.
  public func write(_ request: MergeRequest, trimmedBy choices: [BandSparsifier.Choice]) throws(PluginError) {
    let sparsifier = try BandSparsifier(request, self, choices)
    let scales = try scalesIfWanted(request, sparsifier)
    try write(request, sparsifier.restarted(request), scales: scales)
  }
}
