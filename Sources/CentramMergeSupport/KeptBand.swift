internal import CKernels
public import CentramNumerics

/// The elements with keys between two ranked keys. Of those equal to one of them, some: counted from the first element
/// of the tensor on, so that the same are kept for any cut.
public struct KeptBand: Sendable {
  struct Edge: Sendable {
    let key: UInt32
    /// Which of the elements with this key are kept.
    let kept: Range<Int>
    /// How many elements with this key there are before each stripe, and in all.
    let before: [Int]

    init(_ ranked: RankedKey, kept: Range<Int>) {
      (key, self.kept) = (ranked.key, kept)
      var before = [0]
      for equal in ranked.equalByStripe { before.append(before.last! + equal) }
      self.before = before
    }

    /// What happens to the elements of a stripe with this key: all kept, none kept, or nil: it is a matter of counting.
    func decision(_ stripe: Int) -> Bool? {
      let ties = before[stripe]..<before[stripe + 1]
      if ties.isEmpty || !ties.overlaps(kept) { return false }
      return kept.lowerBound <= ties.lowerBound && ties.upperBound <= kept.upperBound ? true : nil
    }
  }

  let low: Edge?, high: Edge?

  /// All elements.
  public static let all = KeptBand(low: nil, high: nil)

  /// The `count` elements with the greatest keys, given the key at rank n − count in ascending order. Of equal ones the
  /// first are kept.
  public static func greatest(_ count: Int, of total: Int, _ ranked: RankedKey) -> KeptBand {
    let above = total - ranked.below - ranked.equal
    return KeptBand(low: Edge(ranked, kept: 0..<(count - above)), high: nil)
  }

  /// The elements at the ranks of `range` in ascending order, equal ones by index, given the keys at its first and last.
  public static func ranks(_ range: Range<Int>, first: RankedKey, last: RankedKey) -> KeptBand {
    let from = range.lowerBound - first.below, to = range.upperBound - last.below
    if first.key == last.key { return KeptBand(low: Edge(first, kept: from..<to), high: Edge(first, kept: from..<to)) }
    return KeptBand(low: Edge(first, kept: from..<first.equal), high: Edge(last, kept: 0..<to))
  }

  /// The keys that are kept in a stripe, whatever the counting says of the edges; nil: none.
  func bounds(_ stripe: Int) -> ClosedRange<UInt32>? {
    let least = low.map { $0.decision(stripe) == true ? UInt64($0.key) : UInt64($0.key) + 1 } ?? 0
    let greatest = high.map { $0.decision(stripe) == true ? Int64($0.key) : Int64($0.key) - 1 } ?? 0x7fff_ffff
    return Int64(least) <= greatest ? UInt32(least)...UInt32(greatest) : nil
  }

  func mustCount(_ stripe: Int) -> Bool { [low, high].contains { $0.map { $0.decision(stripe) == nil } ?? false } }
}

/// Counts elements at the edges of a band during one pass.
public final class BandCursor: @unchecked Sendable {
  private let band: KeptBand
  // By stripe; each has one writer at a time.
  private let low: UnsafeMutablePointer<Int>, high: UnsafeMutablePointer<Int>

  public init(_ band: KeptBand, stripes: Int) {
    self.band = band
    low = .allocate(capacity: stripes)
    high = .allocate(capacity: stripes)
    for stripe in 0..<stripes {
      low[stripe] = band.low?.before[stripe] ?? 0
      high[stripe] = band.high?.before[stripe] ?? 0
    }
  }

  /// A cursor at the start again, for another pass.
  public func restarted(stripes: Int) -> BandCursor { BandCursor(band, stripes: stripes) }

  deinit {
    low.deallocate()
    high.deallocate()
  }

  /// Whether `bounds` says it all for this stripe.
  public func isPlain(_ stripe: Int) -> Bool { !band.mustCount(stripe) }

  public func bounds(_ stripe: Int) -> ClosedRange<UInt32>? { band.bounds(stripe) }

  /// Marks the elements that are kept, for the next keys of the stripe.
  public func mark(_ keys: UnsafePointer<UInt32>, count: Int, stripe: Int, into mask: UnsafeMutablePointer<UInt8>) {
    if let bounds = bounds(stripe) {
      ck_mask_band(keys, bounds.lowerBound, bounds.upperBound, mask, count)
    } else {
      mask.update(repeating: 0, count: count)
    }
    guard !isPlain(stripe) else { return }
    mark(band.low, &low[stripe], keys, count, stripe, mask)
    if band.low?.key != band.high?.key { mark(band.high, &high[stripe], keys, count, stripe, mask) }
  }

  private func mark(
    _ edge: KeptBand.Edge?, _ seen: inout Int, _ keys: UnsafePointer<UInt32>, _ count: Int, _ stripe: Int, _ mask: UnsafeMutablePointer<UInt8>
  ) {
    guard let edge, edge.decision(stripe) == nil else { return }
    for index in 0..<count where keys[index] == edge.key {
      mask[index] = edge.kept.contains(seen) ? 1 : 0
      seen += 1
    }
  }
}
