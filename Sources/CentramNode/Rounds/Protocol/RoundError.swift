/// What stops a round, or a node from taking part in it. What a peer does wrong is an outcome, not an error.
public struct RoundError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// A plan or a choice that cannot be carried out.
    public static var configuration: Code { .init(rawValue: "configuration") }
    /// An adapter that is damaged, does not fit the base, or is too large.
    public static var update: Code { .init(rawValue: "update") }
    /// A blob that nobody gave.
    public static var unavailable: Code { .init(rawValue: "unavailable") }
    /// The training or the merge failed.
    public static var work: Code { .init(rawValue: "work") }
    /// The gate cannot judge updates.
    public static var gate: Code { .init(rawValue: "gate") }
    /// Nothing shows that an update is private, or no budget is left for it.
    public static var privacy: Code { .init(rawValue: "privacy") }
    /// A round that is not here.
    public static var notFound: Code { .init(rawValue: "not-found") }
    /// State that could not be kept or read.
    public static var storage: Code { .init(rawValue: "storage") }
    public static var cancelled: Code { .init(rawValue: "cancelled") }
  }

  public let code: Code
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { "\(code): \(message)" }
}
