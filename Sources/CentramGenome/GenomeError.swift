/// What this module throws: a manifest, a configuration or a weights file that it refuses.
public struct GenomeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Why, in a way that a program can act on.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// More bytes, items or levels than the limit.
    public static var tooLarge: Code { .init(rawValue: "too-large") }
    /// No JSON, or JSON that is not read here: duplicate keys, bad UTF-8, NaN.
    public static var malformed: Code { .init(rawValue: "malformed") }
    /// A key that has no meaning.
    public static var unknownKey: Code { .init(rawValue: "unknown-key") }
    /// A key that must be there.
    public static var missingKey: Code { .init(rawValue: "missing-key") }
    /// A value of another type than the key's.
    public static var wrongType: Code { .init(rawValue: "wrong-type") }
    /// A value beyond its limits.
    public static var outOfRange: Code { .init(rawValue: "out-of-range") }
    /// Two values that do not fit together.
    public static var inconsistent: Code { .init(rawValue: "inconsistent") }
    /// Right in its format, but not a kind of adapter that is read here.
    public static var unsupported: Code { .init(rawValue: "unsupported") }
    /// A number that is NaN or infinite.
    public static var notFinite: Code { .init(rawValue: "not-finite") }
  }

  public let code: Code
  /// A sentence that names the value and the limit.
  public let message: String

  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

  public var description: String { "\(code): \(message)" }
}

extension GenomeError {
  /// Text from strangers, short and without control characters.
  public static func shown(_ text: some StringProtocol) -> String {
    let scalars = text.unicodeScalars.prefix(80).map { $0.value < 32 || $0.value == 127 ? "?" : $0 }
    return String(String.UnicodeScalarView(scalars)) + (text.unicodeScalars.count > 80 ? "…" : "")
  }
}
