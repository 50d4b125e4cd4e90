/// Why a circuit, a reservation or a question about reachability came to nothing.
public struct RelayError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A message that does not fit where it came.
    public static let malformed = Code(rawValue: "malformed")
    /// The other end or the relay does not want it.
    public static let refused = Code(rawValue: "refused")
    /// A limit was reached; the message names it.
    public static let limit = Code(rawValue: "limit")
    /// The address names no relay and no peer.
    public static let address = Code(rawValue: "address")
    /// There is no session with the relay.
    public static let disconnected = Code(rawValue: "disconnected")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
