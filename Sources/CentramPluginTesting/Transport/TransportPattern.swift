// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// Bytes that a receiver can check by their place: an endless repetition of a block whose length is prime, so that anything lost, doubled
/// or exchanged shifts it.
struct TransportPattern: Sendable {
  static let period = 65_521
  /// The block twice, so that a run of `period` bytes can start anywhere.
  private let table: [UInt8]

  init(seed: UInt64) {
    var random = SplitMix(state: seed)
    var block: [UInt8] = []
    block.reserveCapacity(Self.period + 8)
    while block.count < Self.period { withUnsafeBytes(of: random.next()) { block.append(contentsOf: $0) } }
    block.removeLast(block.count - Self.period)
    table = block + block
  }

  /// - Parameter count: at most `period`.
  func bytes(at offset: Int, count: Int) -> ArraySlice<UInt8> { table[(offset % Self.period)...].prefix(count) }

  /// Sends `count` bytes from `offset` on, in writes of the sizes that `size` gives.
  func send(_ count: Int, from offset: Int = 0, on stream: any TransportStream, size: () -> Int) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.period, alignment: 1)
    defer { buffer.deallocate() }
    var sent = 0
    while sent < count {
      let piece = min(size(), count - sent, Self.period)
      buffer.copyBytes(from: bytes(at: offset + sent, count: piece))
      try await stream.send(UnsafeRawBufferPointer(rebasing: buffer[..<piece]))
      // What was lent is the sender's again.
      buffer[0] = ~buffer[0]
      sent += piece
    }
  }

  /// Receives `count` bytes and compares each.
  func expect(_ count: Int, from offset: Int = 0, on stream: any TransportStream, capacity: Int = period) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(capacity, Self.period), alignment: 1)
    defer { buffer.deallocate() }
    var received = 0
    while received < count {
      let room = min(buffer.count, count - received)
      let piece = try await stream.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]))
      try require(piece <= room && piece >= 0, "receive to return at most \(room)", "it returned \(piece)")
      try require(piece > 0, "\(count) bytes", "the end came after \(received)")
      let wanted = bytes(at: offset + received, count: piece)
      try require(buffer[..<piece].elementsEqualFast(wanted), "the bytes as sent", "a difference lies in the \(piece) bytes from \(offset + received) on")
      received += piece
    }
  }
}

extension Slice where Base == UnsafeMutableRawBufferPointer {
  /// memcmp's speed, also in debug builds.
  fileprivate func elementsEqualFast(_ other: ArraySlice<UInt8>) -> Bool {
    guard count == other.count else { return false }
    let mine = UnsafeRawBufferPointer(rebasing: self)
    return other.withUnsafeBytes { theirs in
      let words = mine.count / 8
      for word in 0..<words where mine.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self) != theirs.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self) {
        return false
      }
      for index in (words * 8)..<mine.count where mine[index] != theirs[index] { return false }
      return true
    }
  }
}

/// Steele, Lea and Flood's generator: a seed gives the same sizes again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
