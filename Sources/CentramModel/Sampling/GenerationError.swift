/// Why text cannot be generated.
public struct GenerationError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A setting outside its limits.
    public static let parameter = Code(rawValue: "parameter")
    /// A JSON schema that is not supported, or that nothing can satisfy.
    public static let schema = Code(rawValue: "schema")
    /// No token of the vocabulary may follow.
    public static let deadEnd = Code(rawValue: "deadEnd")
    /// The model's output holds NaN or infinity.
    public static let numerics = Code(rawValue: "numerics")
    /// The prompt does not fit into the context.
    public static let context = Code(rawValue: "context")
  }

  public let code: Code
  /// A sentence that names the value and the limit.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
