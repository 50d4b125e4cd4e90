/// Why a blob did not come.
public struct BlobError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// The peer has it not, or does not give it.
    public static var notFound: Code { .init(rawValue: "not-found") }
    /// Larger than was asked for, or of another size than was said.
    public static var size: Code { .init(rawValue: "size") }
    /// Bytes of another hash, or an answer to something else. The peer is to blame.
    public static var damaged: Code { .init(rawValue: "damaged") }
    /// The session ended, or the peer did not answer.
    public static var peer: Code { .init(rawValue: "peer") }
    public static var storage: Code { .init(rawValue: "storage") }
  }

  public let code: Code
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { "\(code): \(message)" }
}
