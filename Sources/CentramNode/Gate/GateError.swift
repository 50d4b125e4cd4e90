/// What stops a gate from judging, or a node from starting with it. A candidate that is refused is no error.
public struct GateError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// A setting that names no layer, or two versions that cannot both be.
    public static var settings: Code { .init(rawValue: "settings") }
    /// A layer is switched off where a whole gate is needed.
    public static var incomplete: Code { .init(rawValue: "incomplete") }
    /// A layer that is not there or cannot be loaded.
    public static var layer: Code { .init(rawValue: "layer") }
    /// A verdict could not be kept; what was judged counts as refused.
    public static var storage: Code { .init(rawValue: "storage") }
    /// The genome is not here, or not whole.
    public static var notFound: Code { .init(rawValue: "not-found") }
    /// A genome that may not leave after all.
    public static var refused: Code { .init(rawValue: "refused") }
    public static var cancelled: Code { .init(rawValue: "cancelled") }
  }

  public let code: Code
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { "\(code): \(message)" }
}
