public import CentramPluginAPI

/// What goes wrong between two ends of a byte pipe.
public struct TransportSupportError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// A frame of a type that does not exist, or with bits set that must be clear.
    public static var unknownFrame: Code { .init(rawValue: "unknown frame") }
    /// A frame's length does not fit its type or the limit.
    public static var badLength: Code { .init(rawValue: "bad length") }
    /// The first frame is not the settings, they come twice, or their values are out of range.
    public static var badSettings: Code { .init(rawValue: "bad settings") }
    /// A stream number that the sender may not use, or not yet.
    public static var badStream: Code { .init(rawValue: "bad stream") }
    /// More bytes than the receiver allowed.
    public static var flowControl: Code { .init(rawValue: "flow control") }
    /// More streams, or more frames that ask for an answer, than the receiver allows.
    public static var tooMany: Code { .init(rawValue: "too many") }
    /// The secure channel could not be made or was broken.
    public static var security: Code { .init(rawValue: "security") }
    /// The peer's key is not the one that was expected.
    public static var wrongPeer: Code { .init(rawValue: "wrong peer") }
    /// An address, a setting or a key of this side is wrong.
    public static var invalid: Code { .init(rawValue: "invalid") }
  }

  public let code: Code
  /// A sentence that names the value and the limit.
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { "\(code.rawValue): \(message)" }

  /// As a transport throws it.
  public var pluginError: PluginError {
    switch code {
    case .invalid: PluginError(.invalid, message)
    case .wrongPeer, .security: PluginError(.unavailable, message)
    default: PluginError(.closed, "the connection was closed because of its peer's bytes: \(message)")
    }
  }
}
