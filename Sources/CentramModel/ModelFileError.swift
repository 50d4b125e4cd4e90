/// Why a model file cannot be used.
public struct ModelFileError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// Not there, or not readable.
    public static let unreadable = Code(rawValue: "unreadable")
    /// Not in the format that it should have.
    public static let malformed = Code(rawValue: "malformed")
    /// Right, but not supported.
    public static let unsupported = Code(rawValue: "unsupported")
    /// It could not be written.
    public static let unwritable = Code(rawValue: "unwritable")
    /// Stopped by whoever asked for it.
    public static let cancelled = Code(rawValue: "cancelled")
  }

  public let code: Code
  /// A sentence that names the file, the value and the limit.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
