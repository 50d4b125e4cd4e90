/// The tokens of the pieces met last. Bounded: when it is full, it starts anew.
struct PieceCache {
  private struct Entry {
    var hash: UInt64 = 0
    var key: Range<Int> = 0..<0
    var tokens: Range<Int> = 0..<0
  }

  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private var tokens: [Int32] = []
  private let seed = UInt64(bitPattern: Int64(Hasher().finalize())) | 1

  private static let slots = 1 << 14
  private static let maximumKeys = 1 << 20
  /// Longer pieces hardly come twice.
  static let longestPiece = 64

  /// Appends the tokens of a piece, from the cache or by `encode`, which appends them.
  mutating func append(_ piece: UnsafeRawBufferPointer, to result: inout [Int32], encode: (inout [Int32]) -> Void) {
    guard piece.count <= Self.longestPiece else { return encode(&result) }
    if entries.isEmpty { entries = [Entry](repeating: Entry(), count: Self.slots) }
    let hash = Vocabulary.hash(piece, seed)
    let slot = Int(hash) & (Self.slots - 1)
    let entry = entries[slot]
    if entry.hash == hash, entry.key.count == piece.count, matches(piece, entry.key.lowerBound) {
      result.append(contentsOf: tokens[entry.tokens])
      return
    }
    let start = result.count
    encode(&result)
    if keys.count > Self.maximumKeys {
      keys.removeAll(keepingCapacity: true)
      tokens.removeAll(keepingCapacity: true)
      entries = [Entry](repeating: Entry(), count: Self.slots)
    }
    let keyStart = keys.count, tokenStart = tokens.count
    keys.append(contentsOf: piece)
    tokens.append(contentsOf: result[start...])
    entries[slot] = Entry(hash: hash, key: keyStart..<keys.count, tokens: tokenStart..<tokens.count)
  }

  private func matches(_ piece: UnsafeRawBufferPointer, _ start: Int) -> Bool {
    for index in 0..<piece.count where keys[start + index] != piece[index] { return false }
    return true
  }
}
