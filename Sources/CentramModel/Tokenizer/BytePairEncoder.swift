/// Byte-pair encoding of one piece of text: the pair with the lowest rank is merged first, the leftmost of equals, until no pair merges.
struct BytePairEncoder: Sendable {
  let vocabulary: Vocabulary
  let merges: MergeTable
  /// Whether a piece that is a token as a whole is taken as it is, whatever the merges say (Llama 3).
  let ignoresMerges: Bool
  /// Stands for bytes that have no token; without it they vanish, as in the tokenizers library.
  let unknown: Int32?
  /// Whether a run of unknown bytes is one token.
  let fusesUnknown: Bool
  /// The token of each byte, -1 where there is none.
  private let byteTokens: [Int32]
  /// A character of the alphabet is one or two bytes of UTF-8, so every byte is one symbol.
  private static let smallPiece = 40

  init(vocabulary: Vocabulary, merges: MergeTable, ignoresMerges: Bool = false, unknown: Int32? = nil, fusesUnknown: Bool = false) {
    (self.vocabulary, self.merges, self.ignoresMerges) = (vocabulary, merges, ignoresMerges)
    (self.unknown, self.fusesUnknown) = (unknown, fusesUnknown)
    byteTokens = (0...255).map { (byte: UInt8) in
      var text: [UInt8] = []
      withUnsafeBytes(of: byte) { ByteAlphabet.encode($0, into: &text) }
      return text.withUnsafeBytes { vocabulary.id(of: $0) }.map { Int32($0) } ?? -1
    }
  }

  /// Appends the tokens of a piece.
  func encode(_ piece: UnsafeRawBufferPointer, into tokens: inout [Int32]) {
    if ignoresMerges {
      var text: [UInt8] = []
      text.reserveCapacity(piece.count * 2)
      ByteAlphabet.encode(piece, into: &text)
      if let whole = text.withUnsafeBytes({ vocabulary.id(of: $0) }) {
        tokens.append(Int32(whole))
        return
      }
    }
    let start = tokens.count
    var lastIsUnknown = false
    for byte in piece {
      let token = byteTokens[Int(byte)]
      if token >= 0 {
        tokens.append(token)
        lastIsUnknown = false
      } else if let unknown, !(lastIsUnknown && fusesUnknown) {
        tokens.append(unknown)
        lastIsUnknown = true
      }
    }
    guard tokens.count - start > 1 else { return }
    if tokens.count - start <= Self.smallPiece { mergeSmall(&tokens, from: start) } else { mergeLarge(&tokens, from: start) }
  }

  /// Looks through all pairs for each merge: fast for words.
  private func mergeSmall(_ tokens: inout [Int32], from start: Int) {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.smallPiece) { pairs in
      var count = tokens.count - start
      for index in 0..<(count - 1) { pairs[index] = merges.merge(tokens[start + index], tokens[start + index + 1]) }
      while count > 1 {
        var best = 0
        for index in 1..<max(count - 1, 1) where index < count - 1 && pairs[index] < pairs[best] { best = index }
        guard pairs[best] != MergeTable.none else { break }
        tokens[start + best] = MergeTable.token(pairs[best])
        for index in (best + 1)..<max(count - 1, best + 1) {
          tokens[start + index] = tokens[start + index + 1]
          if index < count - 2 { pairs[index] = pairs[index + 1] }
        }
        count -= 1
        if best > 0 { pairs[best - 1] = merges.merge(tokens[start + best - 1], tokens[start + best]) }
        if best < count - 1 { pairs[best] = merges.merge(tokens[start + best], tokens[start + best + 1]) }
      }
      tokens.removeLast(tokens.count - start - count)
    }
  }

  /// Keeps the pairs in a heap: n log n, for words of any length.
  private func mergeLarge(_ tokens: inout [Int32], from start: Int) {
    var symbols = Array(tokens[start...])
    var next = Array(1...Int32(symbols.count))
    var previous = Array(-1..<Int32(symbols.count - 1))
    var heap = MergeHeap()
    for index in 0..<(symbols.count - 1) { heap.push(merges.merge(symbols[index], symbols[index + 1]), at: Int32(index)) }
    while let (merge, place) = heap.pop() {
      let left = Int(place)
      let right = Int(next[left])
      // The pair may have changed since.
      guard symbols[left] >= 0, right < symbols.count, merges.merge(symbols[left], symbols[right]) == merge else { continue }
      symbols[left] = MergeTable.token(merge)
      symbols[right] = -1
      next[left] = next[right]
      if next[right] < symbols.count { previous[Int(next[right])] = place }
      if previous[left] >= 0 { heap.push(merges.merge(symbols[Int(previous[left])], symbols[left]), at: previous[left]) }
      if next[left] < symbols.count { heap.push(merges.merge(symbols[left], symbols[Int(next[left])]), at: place) }
    }
    tokens.removeLast(tokens.count - start)
    for symbol in symbols where symbol >= 0 { tokens.append(symbol) }
  }
}

/// A binary heap of merges by rank, then by place.
private struct MergeHeap {
  private var items: [(merge: UInt64, place: Int32)] = []

  private static func precedes(_ first: (merge: UInt64, place: Int32), _ second: (merge: UInt64, place: Int32)) -> Bool {
    first.merge != second.merge ? first.merge < second.merge : first.place < second.place
  }

  mutating func push(_ merge: UInt64, at place: Int32) {
    guard merge != MergeTable.none else { return }
    var child = items.count
    items.append((merge, place))
    while child > 0, case let parent = (child - 1) / 2, Self.precedes(items[child], items[parent]) {
      items.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pop() -> (merge: UInt64, place: Int32)? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return first }
    items[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < items.count else { return first }
      if child + 1 < items.count, Self.precedes(items[child + 1], items[child]) { child += 1 }
      guard Self.precedes(items[child], items[parent]) else { return first }
      items.swapAt(child, parent)
      parent = child
    }
  }
}
