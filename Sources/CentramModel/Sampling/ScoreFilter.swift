internal import CModelKernels

/// Finds what top-k, top-p and min-p keep of a row of scores, without sorting all of them: scores are counted in buckets of like size, and
/// only the bucket in which a limit lies is sorted.
struct ScoreFilter {
  /// At most 0, the largest 0.
  let scores: [Float]
  /// Their exponentials.
  let weights: [Float]
  private let factor: Float

  private static let buckets = 2048
  /// Below this a weight is 0 in units of 2⁻⁴⁰; all those are in the last bucket.
  private static let floor: Float = 28

  /// - Parameter least: of the finite scores.
  init(scores: [Float], weights: [Float], least: Float) {
    (self.scores, self.weights) = (scores, weights)
    let width = min(-least, Self.floor)
    factor = width > 1e-30 ? Float(Self.buckets - 1) / width : 1
  }

  func kept(_ parameters: SamplingParameters) -> mk_kept {
    var kept = mk_kept(cut: -.infinity, place: .max, least: parameters.minP)
    let limitsCount = parameters.topK > 0 && parameters.topK < scores.count, limitsMass = parameters.topP < 1
    guard limitsCount || limitsMass else { return kept }
    var counts = [UInt32](repeating: 0, count: Self.buckets), masses = [UInt64](repeating: 0, count: Self.buckets)
    mk_fill_buckets(scores, weights, scores.count, factor, Self.buckets, &counts, &masses)
    if limitsCount { (kept.cut, kept.place) = keepCount(parameters.topK, counts) }
    if limitsMass, let (cut, place) = keepMass(Double(parameters.topP), masses, within: kept) { (kept.cut, kept.place) = (cut, place) }
    return kept
  }

  private typealias Cut = (cut: Float, place: UInt32)

  /// The last of the `count` likeliest.
  private func keepCount(_ count: Int, _ counts: [UInt32]) -> Cut {
    var before = 0, bucket = 0
    while before + Int(counts[bucket]) < count {
      before += Int(counts[bucket])
      bucket += 1
    }
    // Those in the last bucket have no weight, so which of them are kept does not matter.
    guard bucket < Self.buckets - 1 else { return (-.infinity, .max) }
    let place = sorted(bucket)[count - before - 1]
    return (scores[Int(place)], place)
  }

  /// The last of the likeliest whose sum before it is below `share`; nil where all stay.
  private func keepMass(_ share: Double, _ masses: [UInt64], within kept: mk_kept) -> Cut? {
    let all = mk_kept_mass(scores, weights, scores.count, mk_kept(cut: kept.cut, place: kept.place, least: 0))
    // Below 2⁵⁸ + 1 for vocabularies of up to 2¹⁸; a Double holds any of it.
    let target = Double(all) * share
    var before: UInt64 = 0, bucket = 0
    while bucket < Self.buckets - 1, Double(before + masses[bucket]) < target {
      before += masses[bucket]
      bucket += 1
    }
    guard bucket < Self.buckets - 1 else { return nil }
    var last: UInt32?
    for place in sorted(bucket) {
      guard Double(before) < target || last == nil else { break }
      if scores[Int(place)] < kept.cut || (scores[Int(place)] == kept.cut && place > kept.place) { return nil }
      before += UInt64(weights[Int(place)] * 1_099_511_627_776)
      last = place
    }
    return last.map { (scores[Int($0)], $0) }
  }

  /// A bucket's places, largest score first, of equal ones the earlier first.
  private func sorted(_ bucket: Int) -> [UInt32] {
    let places = [UInt32](unsafeUninitializedCapacity: scores.count) { buffer, count in
      count = mk_list_bucket(scores, scores.count, factor, Self.buckets, bucket, buffer.baseAddress)
    }
    // A score that is not positive has a bit pattern that grows as it falls; with the place below it, one comparison orders both.
    return places.map { UInt64(abs(scores[Int($0)]).bitPattern) << 32 | UInt64($0) }.sorted().map { UInt32(truncatingIfNeeded: $0) }
  }
}
