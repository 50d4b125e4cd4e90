/// Why a pass of training was refused or given up.
public struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The arguments do not fit the model or each other.
    public static let invalidArgument = Code(rawValue: "invalidArgument")
    /// Memory is short.
    public static let noMemory = Code(rawValue: "noMemory")
    /// The loss or a gradient is not finite. The gradients are not to be used.
    public static let notFinite = Code(rawValue: "notFinite")
  }

  public let code: Code
  /// A sentence that names the value and the limit.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
