public import CentramPluginAPI

/// What the host throws: a plugin that it does not find, refuses or cannot use.
public struct HostError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Why, in a way that a program can act on. A refusal has the name of the check that refused, such as `signature`.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(_ check: PluginCheck) { self.rawValue = check.rawValue }
    public var description: String { rawValue }

    /// No plugin has this id or name; the message names the nearest.
    public static var notFound: Code { .init(rawValue: "not-found") }
    /// Several plugins have this short name; the message lists them.
    public static var ambiguous: Code { .init(rawValue: "ambiguous") }
    /// The operator switched this plugin off.
    public static var disabled: Code { .init(rawValue: "disabled") }
    /// Text that is no version, range, id or selector.
    public static var invalid: Code { .init(rawValue: "invalid") }
    /// The plugin is of another kind than the one asked for.
    public static var wrongKind: Code { .init(rawValue: "wrong-kind") }
    /// Too many versions of one plugin are loaded; a library is never unloaded.
    public static var restartNeeded: Code { .init(rawValue: "restart-needed") }
    /// The operator withdrew the plugin's key or a hash of it.
    static var revoked: Code { .init(rawValue: "revoked") }
    /// A file could not be read or written.
    public static var inputOutput: Code { .init(rawValue: "input-output") }
  }

  public let code: Code
  /// A sentence that names the value and the limit, and a way out where there is one.
  public let message: String
  /// What the plugin itself threw, where it did.
  public let cause: PluginError?

  public init(_ code: Code, _ message: String, cause: PluginError? = nil) {
    (self.code, self.message, self.cause) = (code, message, cause)
  }

  /// A refusal by a check.
  public init(_ check: PluginCheck, _ message: String, cause: PluginError? = nil) { self.init(Code(check), message, cause: cause) }

  public var description: String { "\(code): \(message)" }
}
