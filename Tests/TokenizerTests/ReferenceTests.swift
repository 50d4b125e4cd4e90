import Testing

@testable import CentramModel

/// The fast parts against plain ones.
@Suite struct TokenizerReferenceTests {
  /// The hand-written scanners cut where their regular expressions match.
  @Test(arguments: WordScanner.known.indices) func scannersCutAsTheirPatterns(index: Int) throws {
    let (source, scanner) = WordScanner.known[index]
    let pattern = try SplitPattern(source)
    let seed: UInt64 = 11
    var random = Randomness(seed)
    let parts = ["'s", "'RE", "'ll", "'ſ", "'", "a", "é", "中", "1", "२", "½", " ", "  ", "\n", "\r\n", "\u{3000}", "\u{85}", "!", "...", "_", "e\u{301}", "🙂", "\u{200b}", "\u{0}"]
    for round in 0..<1500 {
      let text = round % 4 == 0 ? random.text(30) : (0..<random.below(12)).map { _ in random.element(parts) }.joined()
      let bytes = Array(text.utf8)
      bytes.withUnsafeBytes { bytes in
        var cuts: [Range<Int>] = [], start = 0
        while start < bytes.count {
          let end = scanner.end(bytes, from: start)
          cuts.append(start..<end)
          start = end
        }
        #expect(cuts == pattern.matches(in: bytes), "seed \(seed), round \(round): \(text.debugDescription)")
      }
    }
  }

  /// Byte-pair encoding as its definition has it.
  static func encode(_ symbols: [Int32], _ merges: MergeTable) -> [Int32] {
    var symbols = symbols
    while let (place, merge) = (0..<max(symbols.count - 1, 0)).map({ ($0, merges.merge(symbols[$0], symbols[$0 + 1])) }).min(by: { ($0.1, $0.0) < ($1.1, $1.0) }),
      merge != MergeTable.none
    {
      symbols.replaceSubrange(place...(place + 1), with: [MergeTable.token(merge)])
    }
    return symbols
  }

  /// Pieces on both sides of the length from which a heap is used.
  @Test func mergesAreThoseOfTheDefinition() {
    let seed: UInt64 = 5
    var random = Randomness(seed)
    for round in 0..<200 {
      var vocabulary = Vocabulary()
      let letters = Array("abcd".utf8)
      var tokens = letters.map { [$0] }
      for (id, token) in tokens.enumerated() { #expect(token.withUnsafeBytes { vocabulary.insert($0, id: id) } == nil) }
      var merges = MergeTable()
      for rank in 0..<random.below(40) {
        let left = random.below(tokens.count), right = random.below(tokens.count)
        let made = tokens[left] + tokens[right]
        guard made.count < 20, made.withUnsafeBytes({ vocabulary.insert($0, id: tokens.count) }) == nil else { continue }
        merges.insert(Int32(left), Int32(right), rank: Int32(rank), token: Int32(tokens.count))
        tokens.append(made)
      }
      let encoder = BytePairEncoder(vocabulary: vocabulary, merges: merges)
      for length in [0, 1, 2, 7, 39, 40, 41, 90] {
        let piece = (0..<length).map { _ in random.element(letters) }
        var fast: [Int32] = [9]
        piece.withUnsafeBytes { encoder.encode($0, into: &fast) }
        #expect(fast == [9] + Self.encode(piece.map { Int32($0) - 97 }, merges), "seed \(seed), round \(round)")
      }
    }
  }

  @Test func aFullCacheForgetsNothingThatMatters() {
    var cache = PieceCache()
    let seed: UInt64 = 3
    var random = Randomness(seed)
    for _ in 0..<60_000 {
      let piece = withUnsafeBytes(of: random.below(40_000)) { Array($0) } + Array(repeating: 1, count: 24)
      var tokens: [Int32] = [5]
      let id = Int32(piece[0]) + Int32(piece[1]) << 8
      piece.withUnsafeBytes { cache.append($0, to: &tokens) { $0 += [id, 1] } }
      guard tokens == [5, id, 1] else {
        Issue.record("seed \(seed): \(tokens)")
        return
      }
    }
  }

  /// Every scalar's classes are those of Unicode's general categories.
  @Test func kindsOfCharactersAreTheCategories() {
    let letters = ScalarSet([.categories(ScalarSet.mask("L")!, negated: false)]), numbers = ScalarSet([.categories(ScalarSet.mask("N")!, negated: false)])
    for value in Array(0..<0x3500) + Array(0xd7a0..<0xd800) + Array(0xf900..<0x10400) as [UInt32] {
      let kind = CharacterClass.of(value)
      guard (kind == .letter) == letters.contains(value), (kind == .number) == numbers.contains(value), (kind == .space) == CharacterClass.isSpace(value) else {
        Issue.record("U+\(String(value, radix: 16)) is \(kind)")
        return
      }
    }
  }
}
