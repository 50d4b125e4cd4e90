public import CentramNumerics
public import CentramPluginAPI

extension MergeRequest {
  /// Finds the keys at given ranks of several sequences, each with one key an element, in ascending order.
  ///
  /// - Parameters:
  ///   - ranks: for each sequence the ranks wanted, each in 0..<count.
  ///   - keys: writes the keys of elements [start, start + count) of a block.
  public func search(
    _ ranks: [[Int]], inputs: [Int]? = nil,
    keys: @Sendable (_ sequence: Int, _ block: MergeBlock, _ start: Int, _ count: Int, _ keys: UnsafeMutablePointer<UInt32>) -> Void
  ) throws(PluginError) -> [[RankedKey]] {
    var searches = ranks.map { RankSearch(count: count, ranks: $0) }
    if RankSearch.isWorthSampling(count: count) && !searches.allSatisfy(\.isDone) {
      let samples = try sample(ranks.map { !$0.isEmpty }, inputs: inputs, keys: keys)
      for index in searches.indices { searches[index].guess(samples[index]) }
    }
    while !searches.allSatisfy(\.isDone) {
      let pass = searches
      let stripes = try foldStripes(inputs: inputs) {
        pass.map { $0.tally() }
      } _: { (tallies, _, block) throws(PluginError) in
        try withScratch(UInt32.self, pieceLength) { (room) throws(PluginError) in
          try block.forEachPiece { (start, count) in
            for index in pass.indices where !pass[index].isDone {
              keys(index, block, start, count, room)
              tallies[index].add(room, count: count)
            }
          }
        }
      }
      for index in searches.indices { searches[index].narrow(stripes.map { $0[index] }) }
    }
    return searches.map(\.results)
  }

  private func sample(
    _ wanted: [Bool], inputs: [Int]?, keys: @Sendable (Int, MergeBlock, Int, Int, UnsafeMutablePointer<UInt32>) -> Void
  ) throws(PluginError) -> [RankSearch.Sample] {
    let stripes = try foldStripes(inputs: inputs) {
      wanted.map { _ in RankSearch.Sample() }
    } _: { (samples, _, block) throws(PluginError) in
      try withScratch(UInt32.self, pieceLength) { (room) in
        for range in RankSearch.sampled(offset: block.offset, count: block.count) {
          for index in wanted.indices where wanted[index] {
            keys(index, block, range.lowerBound - block.offset, range.count, room)
            samples[index].add(room, count: range.count)
          }
        }
      }
    }
    var result = stripes[0]
    for stripe in stripes.dropFirst() { for index in result.indices { result[index].add(stripe[index]) } }
    return result
  }
}
