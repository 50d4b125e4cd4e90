import CSodium

/// Takes bytes as they come and gives frames. What it holds grows with bytes that arrived, never with a length that was announced.
///
/// An error after which what follows can still be read (`keepsFraming`) is thrown once; any other is thrown again by every later call, and later
/// bytes are dropped. In which pieces the bytes come makes no difference to what is given and thrown.
public struct FrameDecoder: Sendable {
  /// Types that are taken without a signature, their signature bytes zeros, because both ends of the stream agreed so.
  public var unsignedTypes: Set<MessageType>
  /// Whether bytes follow frames that say so, as on a stream; not where frames are kept by themselves.
  private let readsBulk: Bool
  /// A frame whose bulk is not all here, what came of it, and how much is missing.
  private var incomplete: Frame?, bulk: Bulk?, missing = 0
  private var buffer: [UInt8]
  /// Where unread bytes stand. Before them there is always room for the signing domain.
  private var start = Self.room
  private var end = Self.room
  /// Bytes of a refused frame that are still to be dropped.
  private var skipped = 0
  private var failure: WireError?

  private static let room = FrameBuffer.domain.count
  /// Capacity that is kept when nothing is left to read.
  private static let keptCapacity = 64 << 10

  public init(unsignedTypes: Set<MessageType> = [], readsBulk: Bool = false) {
    (self.unsignedTypes, self.readsBulk) = (unsignedTypes, readsBulk)
    buffer = [UInt8](repeating: 0, count: 1024)
  }

  /// Whether no byte waits, and none is to be dropped.
  public var isEmpty: Bool { start == end && skipped == 0 && incomplete == nil }
  /// Bytes that wait.
  public var count: Int { end - start + (incomplete?.bytes.count ?? 0) + (bulk?.count ?? 0) }
  /// Bytes of memory held.
  public var capacity: Int { buffer.count + (bulk?.capacity ?? 0) }

  /// Takes bytes over. Call `next` until it gives nil before there are more.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard failure == nil else { return }
    var dropped = min(skipped, bytes.count)
    skipped -= dropped
    if incomplete != nil, start == end {
      dropped = min(missing, bytes.count)
      addBulk(UnsafeRawBufferPointer(rebasing: bytes[..<dropped]))
    }
    guard bytes.count > dropped else { return }
    let added = UnsafeRawBufferPointer(rebasing: bytes[dropped...])
    if end + added.count > buffer.count { makeRoom(for: added.count) }
    let end = end
    buffer.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[end...]).copyMemory(from: added) }
    self.end += added.count
  }

  public mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  /// The next frame, or nil until more bytes come.
  /// - Throws: `badMagic`, `unsupportedVersion`, `badFlags`, `payloadTooLong`, `unknownType`, `badSignature`.
  public mutating func next() throws(WireError) -> Frame? {
    if let failure { throw failure }
    if incomplete != nil { return whole() }
    let (start, end, unsignedTypes) = (start, end, unsignedTypes)
    let step = buffer.withUnsafeMutableBytes { Self.step($0, start, end, unsignedTypes) }
    switch step {
    case .wait:
      if start == end { forget() }
      return nil
    case .frame(let frame):
      self.start += frame.bytes.count
      guard readsBulk, frame.bulkLength > 0 else { return frame }
      (incomplete, missing) = (frame, frame.bulkLength)
      return whole()
    case .refused(let error, let length):
      guard error.keepsFraming else {
        failure = error
        forget()
        throw error
      }
      let here = min(length, end - start)
      self.start += here
      skipped = length - here
      throw error
    }
  }

  /// The frame whose bulk is awaited, when all of it is here.
  private mutating func whole() -> Frame? {
    let taken = start..<start + min(missing, end - start)
    buffer.withUnsafeBytes { addBulk(UnsafeRawBufferPointer(rebasing: $0[taken])) }
    start = taken.upperBound
    guard missing == 0 else {
      forget()
      return nil
    }
    incomplete?.bulk = bulk
    defer { (incomplete, bulk) = (nil, nil) }
    return incomplete
  }

  private mutating func addBulk(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    makeBulkRoom(for: bytes.count)
    bulk?.add(bytes)
    missing -= bytes.count
  }

  /// Memory for at most twice of what came. A copy of this decoder has bytes of its own.
  private mutating func makeBulkRoom(for added: Int) {
    let count = bulk?.count ?? 0
    if let bulk, bulk.capacity - count >= added, isKnownUniquelyReferenced(&self.bulk) { return }
    let larger = Bulk(capacity: count + added)
    if let bulk { larger.add(bulk.bytes) }
    bulk = larger
  }

  /// Where the next bytes of a bulk may be received without being copied; `didReceiveBulk` counts them. Nil where `append` takes them, as it does the
  /// first of each.
  public mutating func roomForBulk() -> UnsafeMutableRawBufferPointer? {
    guard incomplete != nil, start == end, let count = bulk?.count, count >= Self.keptCapacity else { return nil }
    if bulk?.rest.isEmpty ?? true || !isKnownUniquelyReferenced(&bulk) { makeBulkRoom(for: min(missing, count)) }
    return bulk.map { UnsafeMutableRawBufferPointer(rebasing: $0.rest[..<min(missing, $0.rest.count)]) }
  }

  public mutating func didReceiveBulk(_ count: Int) {
    bulk?.didWrite(count)
    missing -= count
  }

  private enum Step {
    case wait
    case frame(Frame)
    /// With the bytes of the frame.
    case refused(WireError, Int)
  }

  /// Looks at the bytes from `start` on. Writes the signing domain over read bytes before them, so that a signature is checked in place.
  private static func step(_ buffer: UnsafeMutableRawBufferPointer, _ start: Int, _ end: Int, _ unsignedTypes: Set<MessageType>) -> Step {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
    if let error = FrameHeader.refusal(ofPrefix: bytes) { return .refused(error, 0) }
    guard bytes.count >= FrameHeader.byteCount else { return .wait }
    let header = FrameHeader(reading: bytes)
    guard let type = header.messageType else {
      guard header.payloadLength <= FrameHeader.maximumPayload else { return .refused(tooLong(header, "\(header.type)", FrameHeader.maximumPayload), 0) }
      return .refused(WireError(.unknownType, "message type \(header.type) is not known", header: header), header.frameLength)
    }
    guard header.payloadLength <= type.maximumPayload else { return .refused(tooLong(header, "\(type)", type.maximumPayload), 0) }
    let length = header.frameLength
    guard bytes.count >= length else { return .wait }
    let signedLength = length - Signature.byteCount
    let signature = bytes[signedLength..<length]
    let isSigned = !unsignedTypes.contains(type) || signature.contains { $0 != 0 }
    if isSigned {
      UnsafeMutableRawBufferPointer(rebasing: buffer[(start - room)..<start]).copyBytes(from: FrameBuffer.domain)
      let signed = UnsafeRawBufferPointer(rebasing: buffer[(start - room)..<(start + signedLength)])
      guard Signature.holds(bytes.baseAddress! + signedLength, of: signed, by: header.sender) else {
        return .refused(WireError(.badSignature, "the signature of \(type) \(header.sequence) is not that of \(header.sender)", header: header), length)
      }
    }
    return .frame(Frame(header: header, bytes: [UInt8](bytes[..<length]), isSigned: isSigned))
  }

  private static func tooLong(_ header: FrameHeader, _ type: String, _ limit: Int) -> WireError {
    WireError(.payloadTooLong, "the payload of a \(type) has at most \(limit) bytes, not \(header.payloadLength)", header: header)
  }

  /// Moves what waits to the front, into more memory where it must be.
  private mutating func makeRoom(for added: Int) {
    let (start, waiting) = (start, end - start)
    if Self.room + waiting + added <= buffer.count {
      buffer.withUnsafeMutableBytes { buffer in
        UnsafeMutableRawBufferPointer(rebasing: buffer[Self.room...]).copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<start + waiting]))
      }
    } else {
      let capacity = max(Self.room + waiting + added, Self.room + 2 * waiting)
      buffer = [UInt8](unsafeUninitializedCapacity: capacity) { [buffer] target, count in
        let target = UnsafeMutableRawBufferPointer(target)
        sodium_memzero(target.baseAddress!, capacity)
        buffer.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[Self.room...]).copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + waiting])) }
        count = capacity
      }
    }
    (self.start, end) = (Self.room, Self.room + waiting)
  }

  /// Nothing waits: begin at the front again, and give much memory back.
  private mutating func forget() {
    (start, end) = (Self.room, Self.room)
    if buffer.count > Self.keptCapacity { buffer = [UInt8](repeating: 0, count: 1024) }
  }
}
