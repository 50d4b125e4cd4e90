import CentramNumerics
import Testing

/// The search for ranks against sorting.
@Suite struct RankSearchTests {
  /// Runs a search over keys cut into stripes.
  func search(_ keys: [UInt32], _ ranks: [Int], sampling: Bool, stripes: Int = 5) -> (results: [RankedKey], passes: Int) {
    var search = RankSearch(count: keys.count, ranks: ranks), passes = 0
    if sampling {
      var sample = RankSearch.Sample()
      for range in RankSearch.sampled(offset: 0, count: keys.count) {
        Array(keys[range]).withUnsafeBufferPointer { sample.add($0.baseAddress!, count: $0.count) }
      }
      search.guess(sample)
    }
    while !search.isDone {
      passes += 1
      let tallies = (0..<stripes).map { stripe in
        var tally = search.tally()
        let part = Array(keys[(stripe * keys.count / stripes)..<((stripe + 1) * keys.count / stripes)])
        part.withUnsafeBufferPointer { if let base = $0.baseAddress { tally.add(base, count: $0.count) } }
        return tally
      }
      search.narrow(tallies)
    }
    return (search.results, passes)
  }

  func judge(_ keys: [UInt32], _ ranks: [Int], sampling: Bool, _ name: String) {
    let sorted = keys.sorted(), (results, passes) = search(keys, ranks, sampling: sampling)
    for (rank, result) in zip(ranks, results) {
      #expect(result.key == sorted[rank], "\(name), rank \(rank)")
      #expect(result.below == sorted.firstIndex(of: sorted[rank]), "\(name), rank \(rank)")
      #expect(result.equal == sorted.count { $0 == sorted[rank] }, "\(name), rank \(rank)")
    }
    #expect(passes <= 4, "\(name): \(passes) passes")
  }

  @Test(arguments: [false, true]) func findsWhatSortingFinds(_ sampling: Bool) {
    for seed in 1...UInt64(4) {
      var generator = Generator(seed: seed)
      let n = 20_000
      let normal = (0..<n).map { _ in Float(abs(generator.normal())).bitPattern }
      let few = (0..<n).map { _ in Float(generator.below(7)).bitPattern }
      let wild = (0..<n).map { _ in UInt32(generator.next() >> 33) }
      // The sample sees nothing but zeros.
      var hidden = [UInt32](repeating: 0, count: n)
      let seen = Set(RankSearch.sampled(offset: 0, count: n).joined())
      for index in 0..<n where !seen.contains(index) { hidden[index] = normal[index] }
      let equal = [UInt32](repeating: 5, count: n)
      for (name, keys) in [("normal", normal), ("few values", few), ("any bits", wild), ("hidden", hidden), ("equal", equal)] {
        judge(keys, [0, 1, n / 3, n / 2, n - 2, n - 1], sampling: sampling, "seed \(seed), \(name)")
      }
    }
    for n in 1...3 { judge((0..<n).map { UInt32($0) * 1000 }, Array(0..<n), sampling: sampling, "\(n) keys") }
  }

  @Test func aGoodSampleSavesPasses() {
    var generator = Generator(seed: 3)
    // Few distinct values near the rank, as in bfloat16: found in the pass after the sample.
    let keys = (0..<200_000).map { _ in Float((abs(generator.normal()) * 200).rounded()).bitPattern }
    #expect(search(keys, [100_000], sampling: true).passes == 1)
  }
}
