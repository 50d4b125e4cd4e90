public import CentramWire

/// A place in the distributed table: the SHA-256 of a node's key, or the hash that names some content. Distance is exclusive or (Maymounkov, Mazières: Kademlia).
public struct TablePoint: Hashable, Sendable, Comparable {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// Nil unless there are 32 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    self.bytes = Array(bytes)
  }

  /// Where a node stands. Of the hash and not of the key, so that nobody chooses a place without work.
  public init(of key: NodeKey) { bytes = SHA256.hash(key.bytes) }

  public static func < (a: TablePoint, b: TablePoint) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  /// How many leading bits are the same: 0 to 256.
  public func sharedBits(with other: TablePoint) -> Int {
    for index in 0..<32 where bytes[index] != other.bytes[index] { return index * 8 + (bytes[index] ^ other.bytes[index]).leadingZeroBitCount }
    return 256
  }

  /// Whether `a` is nearer to this point than `b`.
  public func isNearer(_ a: TablePoint, than b: TablePoint) -> Bool {
    for index in 0..<32 where a.bytes[index] != b.bytes[index] { return a.bytes[index] ^ bytes[index] < b.bytes[index] ^ bytes[index] }
    return false
  }

  /// A point by chance that shares exactly so many leading bits with this one.
  func neighbour(sharing bits: Int, random: inout RandomSource) -> TablePoint {
    var result = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    for bit in 0...min(bits, 255) {
      let mask = UInt8(0x80) >> UInt8(bit % 8)
      let own = bytes[bit / 8] & mask
      result[bit / 8] = result[bit / 8] & ~mask | (bit == bits ? ~own & mask : own)
    }
    return TablePoint(result)!
  }
}
