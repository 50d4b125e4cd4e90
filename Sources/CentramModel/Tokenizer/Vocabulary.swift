internal import Foundation

/// Tokens by id and by text. The texts lie behind each other in one array, so that a vocabulary of 150,000 is a few
/// allocations; ids may have holes.
struct Vocabulary: Sendable {
  private var text: [UInt8] = []
  private var starts: [UInt32] = []
  /// Of the texts, in bytes; `hole` where no token has the id.
  private var lengths: [UInt32] = []
  /// Open addressing: the upper half of a hash over id + 1; 0 is free. The size is a power of two.
  private var slots: [UInt64] = []
  /// Tokens, holes not counted.
  private(set) var entries = 0
  /// Differs from process to process, so that no file can be made whose tokens collide.
  private let seed: UInt64

  private static let hole = UInt32.max
  static let maximumTextBytes = 1 << 31

  init(expecting count: Int = 0) {
    seed = UInt64(bitPattern: Int64(Hasher().finalize())) | 1
    starts.reserveCapacity(count)
    lengths.reserveCapacity(count)
    text.reserveCapacity(count * 8)
    var size = 64
    while size < count * 2 { size *= 2 }
    slots = [UInt64](repeating: 0, count: size)
  }

  /// The highest id and one.
  var count: Int { starts.count }

  enum Refusal { case textTwice, identifierTwice, notUTF8, tooLong }

  /// Adds a token, or says why not. The caller limits the id, which decides about memory.
  mutating func insert(_ bytes: UnsafeRawBufferPointer, id: Int) -> Refusal? {
    guard UTF8Text.isValid(bytes) else { return .notUTF8 }
    guard text.count + bytes.count <= Self.maximumTextBytes else { return .tooLong }
    if id < lengths.count, lengths[id] != Self.hole { return .identifierTwice }
    if entries * 2 >= slots.count { grow() }
    let hash = Self.hash(bytes, seed)
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash, matches(bytes, Int(slots[slot] & 0xffff_ffff) - 1) { return .textTwice }
      slot = (slot + 1) & mask
    }
    slots[slot] = hash << 32 | UInt64(id + 1)
    while lengths.count <= id {
      starts.append(0)
      lengths.append(Self.hole)
    }
    starts[id] = UInt32(text.count)
    lengths[id] = UInt32(bytes.count)
    text.append(contentsOf: bytes)
    entries += 1
    return nil
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    let mask = slots.count - 1
    for entry in old where entry != 0 {
      var slot = Int(entry >> 32) & mask
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = entry
    }
  }

  func id(of bytes: UnsafeRawBufferPointer) -> Int? {
    let hash = Self.hash(bytes, seed)
    let mask = slots.count - 1
    var slot = Int(hash) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == hash {
        let id = Int(slots[slot] & 0xffff_ffff) - 1
        if matches(bytes, id) { return id }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  func contains(_ id: Int) -> Bool { lengths.indices.contains(id) && lengths[id] != Self.hole }

  /// Calls `body` with a token's text; nil where no token has the id.
  func withText<Result>(_ id: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard contains(id) else { return nil }
    return text.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[Int(starts[id])..<(Int(starts[id]) + Int(lengths[id]))])) }
  }

  /// Whether a token has this text.
  func matches(_ bytes: UnsafeRawBufferPointer, _ id: Int) -> Bool {
    guard id < lengths.count, Int(lengths[id]) == bytes.count else { return false }
    guard let other = bytes.baseAddress else { return true }
    let start = Int(starts[id])
    return text.withUnsafeBytes { memcmp($0.baseAddress! + start, other, bytes.count) == 0 }
  }

  /// 32 bits, from 8 bytes at a time.
  static func hash(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
    var state = seed ^ UInt64(truncatingIfNeeded: bytes.count) &* 0x9e37_79b9_7f4a_7c15
    func mix(_ word: UInt64) {
      let product = (state ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f ^ seed)
      state = product.high ^ product.low &+ 0x9e37_79b9_7f4a_7c15
    }
    let count = bytes.count
    switch count {
    case 0: break
    case 1...3: mix(UInt64(bytes[0]) << 16 | UInt64(bytes[count / 2]) << 8 | UInt64(bytes[count - 1]))
    case 4...7:
      mix(UInt64(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)) << 32 | UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)))
    default:
      var position = 0
      while position + 8 < count {
        mix(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        position += 8
      }
      mix(bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
    }
    return (state ^ state >> 29) & 0xffff_ffff
  }
}
