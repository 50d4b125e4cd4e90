public import CentramWire

/// A place in the distributed table: the SHA-256 of a node's key, or the hash that names some content. Distance is exclusive or (Maymounkov, Mazières: Kademlia).
public struct TablePoint: Hashable, Sendable, Comparable {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  /// Nil unless there are 32 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    words = Array(bytes).withUnsafeBytes { bytes in
      func word(_ index: Int) -> UInt64 { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
      return (word(0), word(1), word(2), word(3))
    }
  }

  private init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// Where a node stands. Of the hash and not of the key, so that nobody chooses a place without work.
  public init(of key: NodeKey) { self.init(SHA256.hash(key.bytes))! }

  /// 32 bytes.
  public var bytes: [UInt8] { [words.0, words.1, words.2, words.3].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } } }

  public static func == (a: TablePoint, b: TablePoint) -> Bool { a.words == b.words }
  public static func < (a: TablePoint, b: TablePoint) -> Bool { a.words < b.words }
  public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

  /// Exclusive or.
  public func distance(to other: TablePoint) -> TablePoint {
    TablePoint(words: (words.0 ^ other.words.0, words.1 ^ other.words.1, words.2 ^ other.words.2, words.3 ^ other.words.3))
  }

  /// How many leading bits are the same: 0 to 256.
  public func sharedBits(with other: TablePoint) -> Int {
    let distance = distance(to: other).words
    if distance.0 != 0 { return distance.0.leadingZeroBitCount }
    if distance.1 != 0 { return 64 + distance.1.leadingZeroBitCount }
    if distance.2 != 0 { return 128 + distance.2.leadingZeroBitCount }
    return 192 + distance.3.leadingZeroBitCount
  }

  /// Whether `a` is nearer to this point than `b`.
  public func isNearer(_ a: TablePoint, than b: TablePoint) -> Bool { distance(to: a) < distance(to: b) }

  /// A point by chance that shares exactly so many leading bits with this one.
  func neighbour(sharing bits: Int, random: inout RandomSource) -> TablePoint {
    let own = bytes
    var result = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    for bit in 0...min(bits, 255) {
      let mask = UInt8(0x80) >> UInt8(bit % 8), value = own[bit / 8] & mask
      result[bit / 8] = result[bit / 8] & ~mask | (bit == bits ? ~value & mask : value)
    }
    return TablePoint(result)!
  }
}
