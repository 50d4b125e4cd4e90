internal import Synchronization

/// Bytes that follow a frame on its stream.
///
/// Their memory is used again: making fresh pages costs more than all the copying of what lies in them.
public final class Bulk: @unchecked Sendable {  // changed by its maker only, before anybody else has it
  private let memory: UnsafeMutableRawBufferPointer
  public private(set) var count: Int

  /// So many bytes that are still to be written, through `room`.
  public convenience init(count: Int) {
    self.init(capacity: count)
    self.count = count
  }

  public convenience init(_ bytes: [UInt8]) {
    self.init(count: bytes.count)
    room.copyBytes(from: bytes)
  }

  init(capacity: Int) { (memory, count) = (BulkMemory.shared.take(capacity), 0) }

  deinit { BulkMemory.shared.giveBack(memory) }

  /// Where the bytes are written.
  public var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[..<count]) }
  /// Valid as long as this object lives.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(room) }
  var capacity: Int { memory.count }
  /// What may still be written behind the bytes.
  var rest: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[count...]) }

  func add(_ bytes: UnsafeRawBufferPointer) {
    rest.copyMemory(from: bytes)
    count += bytes.count
  }

  /// Counts bytes that were written into `rest`.
  func didWrite(_ more: Int) {
    precondition(more <= memory.count - count)
    count += more
  }
}

extension Bulk: Hashable {
  public static func == (a: Bulk, b: Bulk) -> Bool { a === b || a.bytes.elementsEqual(b.bytes) }
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes: bytes) }
}

/// Memory for the next bulk: pieces of a power of two, so many bytes of them at most.
private final class BulkMemory: Sendable {
  static let shared = BulkMemory()
  /// Less is had from the allocator as fast.
  private static let smallest = 32 << 10
  private static let keptBytes = 16 << 20

  private struct State: @unchecked Sendable {
    var pieces: [Int: [UnsafeMutableRawBufferPointer]] = [:], bytes = 0
  }
  private let state = Mutex(State())

  func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
    var size = 1
    while size < count { size *= 2 }
    let kept =
      size < Self.smallest
      ? nil
      : state.withLock { state in
        let piece = state.pieces[size]?.popLast()
        state.bytes -= piece?.count ?? 0
        return Kept(piece: piece)
      }.piece
    return kept ?? .allocate(byteCount: size, alignment: 64)
  }

  func giveBack(_ piece: UnsafeMutableRawBufferPointer) {
    let kept = Kept(piece: piece)
    let isKept =
      piece.count >= Self.smallest
      && state.withLock { state in
        guard state.bytes + (kept.piece?.count ?? 0) <= Self.keptBytes else { return false }
        state.bytes += kept.piece?.count ?? 0
        if let piece = kept.piece { state.pieces[piece.count, default: []].append(piece) }
        return true
      }
    if !isKept { piece.deallocate() }
  }

  /// A pointer that goes in and out of the lock.
  private struct Kept: @unchecked Sendable { var piece: UnsafeMutableRawBufferPointer? }
}
