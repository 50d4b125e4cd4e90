/// Why a merge did not happen.
public struct MergeError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The configuration is wrong; the message names the place.
    public static let configuration = Code(rawValue: "configuration")
    /// An input is missing or damaged.
    public static let input = Code(rawValue: "input")
    /// The inputs do not fit together.
    public static let mismatch = Code(rawValue: "mismatch")
    /// An operator is missing or failed.
    public static let `operator` = Code(rawValue: "operator")
    /// The output cannot be written.
    public static let output = Code(rawValue: "output")
    public static let cancelled = Code(rawValue: "cancelled")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

  public var description: String { message }
}
