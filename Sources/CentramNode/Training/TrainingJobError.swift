/// Why a training did not happen, or not to its end.
public struct TrainingJobError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A setting is wrong; the message names it.
    public static let configuration = Code(rawValue: "configuration")
    /// The data is missing or malformed; the message names file and line.
    public static let data = Code(rawValue: "data")
    /// The model cannot be trained.
    public static let model = Code(rawValue: "model")
    /// The trainer failed: a loss that is not a number, a refusal.
    public static let trainer = Code(rawValue: "trainer")
    /// The output cannot be written; what was written before is whole.
    public static let output = Code(rawValue: "output")
    /// Stopped on demand, with a checkpoint.
    public static let cancelled = Code(rawValue: "cancelled")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }
}
