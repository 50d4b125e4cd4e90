/// Bytes in, bytes out, in a ring that grows by doubling and gives its memory back when it is empty.
public final class ByteQueue {
  private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var head = 0
  public private(set) var count = 0

  public init() {}
  deinit { storage.deallocate() }

  public var isEmpty: Bool { count == 0 }

  public func append(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    if count + bytes.count > storage.count { grow(to: count + bytes.count) }
    let tail = (head + count) % storage.count, first = min(bytes.count, storage.count - tail)
    storage.baseAddress!.advanced(by: tail).copyMemory(from: bytes.baseAddress!, byteCount: first)
    if first < bytes.count { storage.baseAddress!.copyMemory(from: bytes.baseAddress! + first, byteCount: bytes.count - first) }
    count += bytes.count
  }

  public func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  /// Copies up to `buffer.count` bytes that begin `offset` bytes after the first, and leaves them here.
  public func peek(at offset: Int = 0, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let length = min(buffer.count, count - offset)
    guard length > 0 else { return 0 }
    let start = (head + offset) % storage.count, first = min(length, storage.count - start)
    buffer.baseAddress!.copyMemory(from: storage.baseAddress! + start, byteCount: first)
    if first < length { (buffer.baseAddress! + first).copyMemory(from: storage.baseAddress!, byteCount: length - first) }
    return length
  }

  /// Forgets the first `length` bytes.
  public func drop(_ length: Int) {
    precondition(length <= count, "\(length) bytes cannot be dropped of \(count)")
    count -= length
    head = count == 0 ? 0 : (head + length) % storage.count
    if count == 0 && storage.count > 4_096 { release() }
  }

  public func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let length = peek(into: buffer)
    if length > 0 { drop(length) }
    return length
  }

  public func removeAll() { if count > 0 { drop(count) } }

  private func release() {
    storage.deallocate()
    storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  private func grow(to needed: Int) {
    var capacity = max(1_024, storage.count)
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
    let length = peek(into: larger)
    storage.deallocate()
    (storage, head, count) = (larger, 0, length)
  }
}

/// What was sent and not yet acknowledged, by its place in the whole stream of bytes: for pipes that lose and repeat.
public final class RetainedBytes {
  private let queue = ByteQueue()
  /// How many bytes the peer has for certain.
  public private(set) var acknowledged: UInt64 = 0
  public init() {}

  public var end: UInt64 { acknowledged + UInt64(queue.count) }
  public var count: Int { queue.count }
  public func append(_ bytes: UnsafeRawBufferPointer) { queue.append(bytes) }

  /// - Returns: up to `limit` bytes from `offset` on; nil where `offset` is not retained.
  public func bytes(from offset: UInt64, limit: Int) -> [UInt8]? {
    guard offset >= acknowledged, offset <= end else { return nil }
    let length = min(limit, Int(end - offset))
    return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      count = queue.peek(at: Int(offset - acknowledged), into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<length]))
    }
  }

  /// - Returns: false where the peer acknowledges what was never sent. An older acknowledgement than the last changes nothing.
  public func acknowledge(_ offset: UInt64) -> Bool {
    guard offset <= end else { return false }
    if offset > acknowledged {
      queue.drop(Int(offset - acknowledged))
      acknowledged = offset
    }
    return true
  }
}
