/// Why a session did not come about, ended, or did not do what it was asked.
public struct SessionError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The peer speaks no version of the protocol that this node speaks.
    public static let version = Code(rawValue: "version")
    /// The peer's bytes or messages break the protocol.
    public static let malformed = Code(rawValue: "malformed")
    /// A message came that has no place in the state of the session.
    public static let unexpected = Code(rawValue: "unexpected")
    /// The peer did not prove to be who it says it is, or is not who was expected.
    public static let identity = Code(rawValue: "identity")
    /// A sequence number came a second time, or stepped back.
    public static let replay = Code(rawValue: "replay")
    /// A frame names another session or another recipient.
    public static let wrongSession = Code(rawValue: "wrongSession")
    /// A limit was reached; the message names it.
    public static let limit = Code(rawValue: "limit")
    /// The peer is banned for now.
    public static let banned = Code(rawValue: "banned")
    /// There is a connection with this peer already, and that one stays.
    public static let duplicate = Code(rawValue: "duplicate")
    /// Nothing came in time.
    public static let timedOut = Code(rawValue: "timedOut")
    /// The connection is lost; the session may be resumed.
    public static let disconnected = Code(rawValue: "disconnected")
    /// The session is over, or the node stops.
    public static let closed = Code(rawValue: "closed")
    /// The peer answered with an error of its own; the message holds it.
    public static let refused = Code(rawValue: "refused")
    /// An address, a setting or a ticket is wrong.
    public static let configuration = Code(rawValue: "configuration")
    /// The transport failed.
    public static let transport = Code(rawValue: "transport")
  }

  public let code: Code
  /// A sentence that names the value and the limit.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
