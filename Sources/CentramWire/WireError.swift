/// What this module throws: a frame, a message or a key that it refuses.
public struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Why, in a way that a program can act on.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The bytes do not begin with a frame's magic.
    public static var badMagic: Code { .init(rawValue: "bad-magic") }
    /// A frame of another version.
    public static var unsupportedVersion: Code { .init(rawValue: "unsupported-version") }
    /// A flag that has no meaning is set.
    public static var badFlags: Code { .init(rawValue: "bad-flags") }
    /// A message type that has no meaning. What follows it can still be read.
    public static var unknownType: Code { .init(rawValue: "unknown-type") }
    /// A payload longer than its type may have.
    public static var payloadTooLong: Code { .init(rawValue: "payload-too-long") }
    /// The bytes end inside a frame, or go on after it.
    public static var wrongLength: Code { .init(rawValue: "wrong-length") }
    /// A signature that does not hold. What follows the frame can still be read.
    public static var badSignature: Code { .init(rawValue: "bad-signature") }
    /// A payload that is no message of its type.
    public static var malformedMessage: Code { .init(rawValue: "malformed-message") }
    /// A field that breaks its rule.
    public static var invalidField: Code { .init(rawValue: "invalid-field") }
    /// A message of another type than the one asked for.
    public static var wrongType: Code { .init(rawValue: "wrong-type") }
    /// A sequence that repeats or steps back.
    public static var badSequence: Code { .init(rawValue: "bad-sequence") }
    /// A time too far from the receiver's.
    public static var badTime: Code { .init(rawValue: "bad-time") }
    /// A frame of another session.
    public static var wrongSession: Code { .init(rawValue: "wrong-session") }
    /// A frame from or to somebody else.
    public static var wrongPeer: Code { .init(rawValue: "wrong-peer") }
    /// Bytes that are no key or seed.
    public static var badKey: Code { .init(rawValue: "bad-key") }
  }

  public let code: Code
  /// A sentence that names the value and the limit, and a way out where there is one.
  public let message: String
  /// The header of the refused frame, where it could be read. Its signature may be wrong.
  public let header: FrameHeader?

  public init(_ code: Code, _ message: String, header: FrameHeader? = nil) { (self.code, self.message, self.header) = (code, message, header) }

  public var description: String { "\(code): \(message)" }

  /// Whether a decoder can read what follows the refused frame.
  public var keepsFraming: Bool { code != .badMagic && code != .unsupportedVersion && code != .badFlags && code != .payloadTooLong && code != .wrongLength }

  /// What a peer is told.
  public var protocolCode: WireErrorCode {
    switch code {
    case .unsupportedVersion: .unsupportedVersion
    case .unknownType: .unknownType
    case .payloadTooLong: .tooLarge
    case .badSignature, .badKey: .badSignature
    case .malformedMessage, .invalidField: .malformedMessage
    case .wrongType: .unexpected
    case .badSequence: .badSequence
    case .badTime: .badTime
    case .wrongSession: .wrongSession
    case .wrongPeer: .wrongPeer
    default: .malformedFrame
    }
  }
}
