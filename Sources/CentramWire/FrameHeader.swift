/// What stands before a frame's payload.
public struct FrameHeader: Sendable, Hashable {
  /// Bytes of a header on the wire.
  public static let byteCount = 116
  public static let magic: [UInt8] = Array("CTRM".utf8)
  public static let version: UInt8 = 1
  /// No type's payload is longer.
  public static let maximumPayload = 16 << 20
  /// In place of a session: before there is one, and in gossip.
  public static let noSession = [UInt8](repeating: 0, count: 16)

  public struct Flags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The sender waits for an answer.
    public static let replyExpected = Flags(rawValue: 1)
  }

  public var flags: Flags
  /// Type of the message, known or not.
  public var type: UInt16
  public var sender: NodeKey
  /// Who it is for; `.anyone` in gossip.
  public var recipient: NodeKey
  /// Rises with each frame of a sender in a session.
  public var sequence: UInt64
  /// Unix milliseconds at the sender.
  public var unixMilliseconds: UInt64
  /// The sequence of the frame that this answers, or 0.
  public var inReplyTo: UInt64
  public var payloadLength: Int
  private var sessionWords: (UInt64, UInt64)

  /// - Parameter session: 16 bytes.
  public init(
    flags: Flags = [], type: UInt16, sender: NodeKey, recipient: NodeKey, session: [UInt8] = Self.noSession, sequence: UInt64, unixMilliseconds: UInt64, inReplyTo: UInt64 = 0,
    payloadLength: Int
  ) {
    precondition(session.count == 16, "a session has 16 bytes, not \(session.count)")
    precondition((0...Self.maximumPayload).contains(payloadLength), "a payload has at most \(Self.maximumPayload) bytes, not \(payloadLength)")
    (self.flags, self.type, self.sender, self.recipient) = (flags, type, sender, recipient)
    (self.sequence, self.unixMilliseconds, self.inReplyTo, self.payloadLength) = (sequence, unixMilliseconds, inReplyTo, payloadLength)
    sessionWords = session.withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64).self) }
  }

  /// The type, where it is known.
  public var messageType: MessageType? { MessageType(rawValue: type) }
  /// 16 bytes.
  public var session: [UInt8] { withUnsafeBytes(of: sessionWords) { Array($0) } }
  /// Whether the session is zeros.
  public var hasNoSession: Bool { sessionWords == (0, 0) }
  /// Bytes of the whole frame.
  public var frameLength: Int { Self.byteCount + payloadLength + Signature.byteCount }

  public static func == (a: Self, b: Self) -> Bool {
    a.flags == b.flags && a.type == b.type && a.sender == b.sender && a.recipient == b.recipient && a.sessionWords == b.sessionWords && a.sequence == b.sequence
      && a.unixMilliseconds == b.unixMilliseconds && a.inReplyTo == b.inReplyTo && a.payloadLength == b.payloadLength
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    hasher.combine(sender)
    hasher.combine(sequence)
    hasher.combine(sessionWords.0)
  }
}

extension FrameHeader {
  /// Where the fields stand.
  enum Offset {
    static let version = 4, flags = 5, type = 6, sender = 8, recipient = 40, session = 72, sequence = 88, time = 96, inReplyTo = 104, length = 112
  }

  /// Why the first bytes of a frame are refused: magic, version, flags.
  static func refusal(ofPrefix bytes: UnsafeRawBufferPointer) -> WireError? {
    if bytes.count >= 4, !bytes.prefix(4).elementsEqual(magic) {
      return WireError(.badMagic, "a frame begins with \(hexadecimal(magic)), not with \(hexadecimal(bytes.prefix(4)))")
    }
    if bytes.count > Offset.version, bytes[Offset.version] != version {
      return WireError(.unsupportedVersion, "frames of version \(bytes[Offset.version]) are not known, only those of version \(version)")
    }
    if bytes.count > Offset.flags, bytes[Offset.flags] & ~Flags.replyExpected.rawValue != 0 {
      return WireError(.badFlags, "of the flags \(bytes[Offset.flags]) only the lowest has a meaning")
    }
    return nil
  }

  /// Reads a header whose prefix was found right. `bytes` holds 116 or more. The payload's length is as announced, and any.
  init(reading bytes: UnsafeRawBufferPointer) {
    func integer<T: FixedWidthInteger>(_ offset: Int) -> T { T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self)) }
    flags = Flags(rawValue: bytes[Offset.flags])
    type = integer(Offset.type)
    sender = NodeKey(loading: bytes.baseAddress! + Offset.sender)
    recipient = NodeKey(loading: bytes.baseAddress! + Offset.recipient)
    sessionWords = bytes.loadUnaligned(fromByteOffset: Offset.session, as: (UInt64, UInt64).self)
    sequence = integer(Offset.sequence)
    unixMilliseconds = integer(Offset.time)
    inReplyTo = integer(Offset.inReplyTo)
    payloadLength = Int(integer(Offset.length) as UInt32)
  }

  /// Writes the 116 bytes.
  func write(to bytes: UnsafeMutableRawBufferPointer) {
    func store(_ value: some FixedWidthInteger, _ offset: Int) { bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Swift.type(of: value)) }
    bytes.copyBytes(from: Self.magic)
    bytes[Offset.version] = Self.version
    bytes[Offset.flags] = flags.rawValue
    store(type, Offset.type)
    sender.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[Offset.sender...]).copyMemory(from: $0) }
    recipient.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: bytes[Offset.recipient...]).copyMemory(from: $0) }
    bytes.storeBytes(of: sessionWords.0, toByteOffset: Offset.session, as: UInt64.self)
    bytes.storeBytes(of: sessionWords.1, toByteOffset: Offset.session + 8, as: UInt64.self)
    store(sequence, Offset.sequence)
    store(unixMilliseconds, Offset.time)
    store(inReplyTo, Offset.inReplyTo)
    store(UInt32(payloadLength), Offset.length)
  }
}
