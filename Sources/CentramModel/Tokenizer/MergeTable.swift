/// The merges of byte-pair encoding: which pairs of tokens become one, and in which order.
struct MergeTable: Sendable {
  /// A pair, and the rank over the token of its merge.
  private struct Entry {
    var key = MergeTable.free, value: UInt64 = 0
  }

  /// Open addressing by the pair. The size is a power of two.
  private var entries: [Entry]
  private(set) var count = 0
  /// The token that the last merge made. Trainers number tokens as they make them, so the next is mostly the one behind it.
  private var lastToken = -1

  fileprivate static let free = UInt64.max
  /// Differs from process to process, so that no file can be made whose pairs collide.
  private let seed: UInt64

  init(expecting count: Int = 0) {
    seed = UInt64(bitPattern: Int64(Hasher().finalize())) | 1
    var size = 64
    while size < count * 2 { size *= 2 }
    entries = [Entry](repeating: Entry(), count: size)
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 { UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right)) }

  @inline(__always)
  private func slot(_ key: UInt64, _ mask: Int) -> Int {
    let product = (key ^ seed).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15 ^ seed)
    return Int(truncatingIfNeeded: product.high ^ product.low) & mask
  }

  /// A pair that stands twice has its later rank, as in the tokenizers library.
  mutating func insert(_ left: Int32, _ right: Int32, rank: Int32, token: Int32) {
    if count * 2 >= entries.count { grow() }
    let slot = place(Self.key(left, right))
    if entries[slot].key == Self.free { count += 1 }
    entries[slot] = Entry(key: Self.key(left, right), value: UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: token)))
  }

  /// Where a pair is, or could be.
  @inline(__always)
  private func place(_ key: UInt64) -> Int {
    let mask = entries.count - 1
    var slot = slot(key, mask)
    while entries[slot].key != key, entries[slot].key != Self.free { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let old = entries
    entries = [Entry](repeating: Entry(), count: old.count * 2)
    for entry in old where entry.key != Self.free { entries[place(entry.key)] = entry }
  }

  /// Rank over token of a pair's merge: lower is earlier. `none` where the pair does not merge.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> UInt64 {
    let entry = entries[place(Self.key(left, right))]
    return entry.key == Self.free ? Self.none : entry.value
  }

  static let none = UInt64.max
  @inline(__always) static func token(_ merge: UInt64) -> Int32 { Int32(truncatingIfNeeded: merge) }
}

extension MergeTable {
  /// Reads two tokens with a space between them; says what is wrong with them otherwise. A first space belongs to the left token.
  /// - Parameter both: memory that is used again.
  mutating func insert(_ text: UnsafeRawBufferPointer, rank: Int32, _ vocabulary: Vocabulary, _ both: inout [UInt8]) -> String? {
    guard let space = text.dropFirst().firstIndex(of: 0x20), !text[(space + 1)...].contains(0x20) else { return "is not two tokens with a space between them" }
    let left = UnsafeRawBufferPointer(rebasing: text[..<space]), right = UnsafeRawBufferPointer(rebasing: text[(space + 1)...])
    both.removeAll(keepingCapacity: true)
    both.append(contentsOf: left)
    both.append(contentsOf: right)
    return insert(left, right, both, rank: rank, vocabulary)
  }

  mutating func insert(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, _ both: [UInt8], rank: Int32, _ vocabulary: Vocabulary) -> String? {
    guard let first = vocabulary.id(of: left) else { return Self.missing(left) }
    guard let second = vocabulary.id(of: right) else { return Self.missing(right) }
    let guess = lastToken + 1
    guard let merged = both.withUnsafeBytes({ vocabulary.matches($0, guess) ? guess : vocabulary.id(of: $0) }) else {
      return both.withUnsafeBytes { Self.missing($0) }
    }
    lastToken = merged
    insert(Int32(first), Int32(second), rank: rank, token: Int32(merged))
    return nil
  }

  private static func missing(_ text: UnsafeRawBufferPointer) -> String {
    "needs the token \"\(String(decoding: text.prefix(100), as: UTF8.self))\", which the vocabulary does not have"
  }
}
