/// Why a matrix could not be worked on.
public struct LinearAlgebraError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// An element is NaN or infinite.
    public static let notFinite = Code(rawValue: "notFinite")
    /// The iteration did not converge.
    public static let noConvergence = Code(rawValue: "noConvergence")
    /// The library's answer does not multiply back to the matrix.
    public static let wrongAnswer = Code(rawValue: "wrongAnswer")
    /// More elements than the library can count.
    public static let tooLarge = Code(rawValue: "tooLarge")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }

  static func failed(_ routine: String, _ info: Int32, _ matrix: Matrix) -> LinearAlgebraError {
    LinearAlgebraError(.noConvergence, "\(routine) of a \(matrix.rows) × \(matrix.columns) matrix failed with code \(info)")
  }
}
