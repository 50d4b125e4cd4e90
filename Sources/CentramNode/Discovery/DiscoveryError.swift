internal import Foundation

/// Why something about finding peers could not be read, kept or done.
public struct DiscoveryError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// An address that is none, or none that can be used here.
    public static let address = Code(rawValue: "address")
    /// Text that does not begin as a ticket does.
    public static let notATicket = Code(rawValue: "not-a-ticket")
    /// A ticket of another version.
    public static let ticketVersion = Code(rawValue: "ticket-version")
    /// A character that no ticket holds.
    public static let ticketCharacter = Code(rawValue: "ticket-character")
    /// A ticket of which the end is missing.
    public static let ticketTruncated = Code(rawValue: "ticket-truncated")
    /// A ticket with something behind its end, or longer than any.
    public static let ticketTooLong = Code(rawValue: "ticket-too-long")
    /// A ticket of which a character was changed.
    public static let ticketChecksum = Code(rawValue: "ticket-checksum")
    /// A ticket that is whole and says what no ticket may say.
    public static let ticketContent = Code(rawValue: "ticket-content")
    /// Bytes that are no DNS message, or one beyond the limits.
    public static let dnsMessage = Code(rawValue: "dns-message")
    /// A record of a peer that is malformed, expired or not signed by whom it names.
    public static let record = Code(rawValue: "record")
    /// A limit was reached.
    public static let limit = Code(rawValue: "limit")
    /// A socket could not be opened or used.
    public static let network = Code(rawValue: "network")
    /// A file could not be read or written.
    public static let storage = Code(rawValue: "storage")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }

  /// What the last system call said.
  static func system(_ code: Code, _ what: String) -> DiscoveryError { DiscoveryError(code, "\(what): \(String(cString: strerror(errno)))") }
}
