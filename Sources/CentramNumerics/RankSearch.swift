internal import CKernels

/// What is at one rank of a sequence of keys in ascending order.
public struct RankedKey: Sendable, Equatable {
  public let key: UInt32
  /// Keys less than it.
  public let below: Int
  /// Keys equal to it, by stripe.
  public let equalByStripe: [Int]
  public var equal: Int { equalByStripe.reduce(0, +) }
}

/// Finds the keys at given ranks of a long sequence in a few passes over it, without sorting or keeping it.
///
/// Each pass files the keys of a bracket, one a rank, into buckets, and the bucket with the rank is the next bracket
/// (radix select). A sample can guess the first bracket; a wrong guess costs one pass, never the result.
public struct RankSearch: Sendable {
  static let maximumBuckets = 4096

  private struct Bracket: Sendable {
    let rank: Int
    var low: UInt32 = 0
    var span: UInt32 = 0x8000_0000
    var isGuess = false
    var result: RankedKey?

    /// Buckets of 2^shift, few enough and no more than are needed.
    var shift: UInt32 {
      var shift: UInt32 = 0
      while (span - 1) >> shift >= UInt32(RankSearch.maximumBuckets) { shift += 1 }
      return shift
    }
    var buckets: Int { Int((span - 1) >> shift) + 1 }
  }

  private var brackets: [Bracket]
  let count: Int
  var ranks: [Int] { brackets.map(\.rank) }

  /// - Parameters:
  ///   - count: how many keys there are.
  ///   - ranks: each in 0..<count.
  public init(count: Int, ranks: [Int]) {
    precondition(ranks.allSatisfy { (0..<count).contains($0) }, "ranks \(ranks) are in 0..<\(count)")
    self.count = count
    brackets = ranks.map { Bracket(rank: $0) }
  }

  public var isDone: Bool { brackets.allSatisfy { $0.result != nil } }

  /// One for each rank, in the order given. Call when the search is done.
  public var results: [RankedKey] { brackets.map { $0.result! } }

  mutating func guess(_ index: Int, buckets: ClosedRange<Int>, shift: UInt32) {
    brackets[index].low = UInt32(buckets.lowerBound) << shift
    brackets[index].span = UInt32(buckets.count) << shift
    brackets[index].isGuess = true
  }

  /// What one stripe saw in one pass.
  public struct Tally: Sendable {
    fileprivate struct Part: Sendable {
      let low: UInt32, span: UInt32, shift: UInt32
      var below = 0
      var buckets: [ck_bucket]
    }
    fileprivate var parts: [Part]

    public mutating func add(_ keys: UnsafePointer<UInt32>, count: Int) {
      for index in parts.indices {
        let (low, span, shift) = (parts[index].low, parts[index].span, parts[index].shift)
        parts[index].below += parts[index].buckets.withUnsafeMutableBufferPointer {
          ck_file_keys(keys, count, low, span, shift, $0.baseAddress)
        }
      }
    }
  }

  /// A fresh tally for a stripe of the next pass.
  public func tally() -> Tally {
    let empty = ck_bucket(count: 0, least: .max, greatest: 0)
    return Tally(
      parts: brackets.filter { $0.result == nil }.map {
        Tally.Part(low: $0.low, span: $0.span, shift: $0.shift, buckets: Array(repeating: empty, count: $0.buckets))
      })
  }

  /// Takes in a pass: its tallies in the order of the stripes, which must be the same in every pass.
  public mutating func narrow(_ tallies: [Tally]) {
    var part = 0
    for index in brackets.indices where brackets[index].result == nil {
      narrow(&brackets[index], tallies.map { $0.parts[part] })
      part += 1
    }
  }

  private func narrow(_ bracket: inout Bracket, _ stripes: [Tally.Part]) {
    var below = stripes.reduce(0) { $0 + $1.below }
    for bucket in 0..<bracket.buckets where below <= bracket.rank {
      let inside = stripes.reduce(0) { $0 + Int($1.buckets[bucket].count) }
      guard bracket.rank < below + inside else {
        below += inside
        continue
      }
      let least = stripes.reduce(UInt32.max) { min($0, $1.buckets[bucket].least) }
      let greatest = stripes.reduce(0) { max($0, $1.buckets[bucket].greatest) }
      if least == greatest {
        bracket.result = RankedKey(key: least, below: below, equalByStripe: stripes.map { Int($0.buckets[bucket].count) })
      } else {
        (bracket.low, bracket.span, bracket.isGuess) = (least, greatest - least + 1, false)
      }
      return
    }
    precondition(bracket.isGuess, "the keys changed between passes")
    (bracket.low, bracket.span, bracket.isGuess) = (0, 0x8000_0000, false)
  }
}
