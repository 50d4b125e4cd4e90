import SwiftProtobuf

extension Frame {
  /// A frame with a message, signed.
  ///
  /// - Parameters:
  ///   - to: whom it is for; `.anyone` in gossip.
  ///   - session: 16 bytes; zeros before there is one, and in gossip.
  ///   - sequence: above that of every frame before.
  ///   - unixMilliseconds: now.
  ///   - inReplyTo: the sequence that it answers, or 0.
  ///   - replyExpected: whether the sender waits for an answer.
  /// - Throws: `invalidField`, `payloadTooLong`, `wrongSession`: the frame would be refused.
  public static func signed(
    _ message: some WireMessage, by key: SigningKey, to recipient: NodeKey, session: [UInt8] = FrameHeader.noSession, sequence: UInt64, unixMilliseconds: UInt64,
    inReplyTo: UInt64 = 0, replyExpected: Bool = false
  ) throws(WireError) -> Frame {
    try make(message, sender: key.publicKey, key: key, recipient, session, sequence, unixMilliseconds, inReplyTo, replyExpected)
  }

  /// A frame without a signature, for a stream on which both ends agreed to leave signatures out. Its 64 signature bytes are zeros.
  public static func unsigned(
    _ message: some WireMessage, from sender: NodeKey, to recipient: NodeKey, session: [UInt8], sequence: UInt64, unixMilliseconds: UInt64, inReplyTo: UInt64 = 0
  ) throws(WireError) -> Frame {
    try make(message, sender: sender, key: nil, recipient, session, sequence, unixMilliseconds, inReplyTo, false)
  }

  private static func make<M: WireMessage>(
    _ message: M, sender: NodeKey, key: SigningKey?, _ recipient: NodeKey, _ session: [UInt8], _ sequence: UInt64, _ unixMilliseconds: UInt64, _ inReplyTo: UInt64,
    _ replyExpected: Bool
  ) throws(WireError) -> Frame {
    guard session.count == 16 else { throw WireError(.wrongSession, "a session has 16 bytes, not \(session.count)") }
    var buffer = try message.written(FrameBuffer.self)
    guard buffer.count <= M.messageType.maximumPayload else {
      throw WireError(.payloadTooLong, "the payload of a \(M.messageType) has at most \(M.messageType.maximumPayload) bytes, not \(buffer.count)")
    }
    let header = FrameHeader(
      flags: replyExpected ? .replyExpected : [], type: M.messageType.rawValue, sender: sender, recipient: recipient, session: session, sequence: sequence,
      unixMilliseconds: unixMilliseconds, inReplyTo: inReplyTo, payloadLength: buffer.count)
    return Frame(header: header, bytes: buffer.finish(header, key), isSigned: key != nil)
  }
}

/// A frame in the making: room for the signing domain and the header before the payload, and for the signature after it, so that the payload is
/// encoded where it stays and signed in place.
struct FrameBuffer: SwiftProtobufContiguousBytes {
  static let domain = SigningDomain.frame.bytes
  private static let front = domain.count + FrameHeader.byteCount
  private var storage: [UInt8]
  let count: Int

  init(repeating: UInt8, count: Int) {
    self.count = count
    storage = [UInt8](repeating: repeating, count: Self.front + count + Signature.byteCount)
  }

  init<S: Sequence>(_ sequence: S) where S.Element == UInt8 {
    let bytes = Array(sequence)
    self.init(repeating: 0, count: bytes.count)
    withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
  }

  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try storage.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[Self.front..<Self.front + count])) }
  }
  mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R {
    try storage.withUnsafeMutableBytes { try body(UnsafeMutableRawBufferPointer(rebasing: $0[Self.front..<Self.front + count])) }
  }

  /// The frame's bytes; without a key its signature is zeros.
  mutating func finish(_ header: FrameHeader, _ key: SigningKey?) -> [UInt8] {
    storage.withUnsafeMutableBytes { bytes in
      bytes.copyBytes(from: Self.domain)
      header.write(to: UnsafeMutableRawBufferPointer(rebasing: bytes[Self.domain.count..<Self.front]))
      let signed = Self.front + count
      if let key {
        key.sign(UnsafeRawBufferPointer(rebasing: bytes[..<signed]), into: bytes.baseAddress! + signed)
      } else {
        UnsafeMutableRawBufferPointer(rebasing: bytes[signed...]).initializeMemory(as: UInt8.self, repeating: 0)
      }
      return [UInt8](UnsafeRawBufferPointer(rebasing: bytes[Self.domain.count...]))
    }
  }
}
