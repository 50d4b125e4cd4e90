// SPDX-License-Identifier: Apache-2.0

/// What a plugin throws. It never stops the host.
public struct PluginError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Why, in a way that a program can act on. Open: treat a code that you do not know as `internalFailure`.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number in the C lane, `CENTRAM_ERROR_*`.
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// An argument is wrong; the message names it.
    public static var invalid: Code { .init(rawValue: 1) }
    /// Sizes do not fit together.
    public static var shapeMismatch: Code { .init(rawValue: 2) }
    /// Right, but not something that this plugin does.
    public static var unsupported: Code { .init(rawValue: 3) }
    /// The caller gave up.
    public static var cancelled: Code { .init(rawValue: 4) }
    /// A fault of the plugin.
    public static var internalFailure: Code { .init(rawValue: 5) }
    /// A service or a peer is not there now.
    public static var unavailable: Code { .init(rawValue: 6) }
    /// A limit was reached; the message names it.
    public static var limitExceeded: Code { .init(rawValue: 7) }
    /// The operating system said no.
    public static var inputOutput: Code { .init(rawValue: 8) }
    /// The stream, connection or instance is closed.
    public static var closed: Code { .init(rawValue: 9) }

    public var description: String {
      switch rawValue {
      case 1: "invalid"
      case 2: "shape mismatch"
      case 3: "unsupported"
      case 4: "cancelled"
      case 6: "unavailable"
      case 7: "limit exceeded"
      case 8: "input/output"
      case 9: "closed"
      default: "internal failure"
      }
    }
  }

  public let code: Code
  /// A sentence that names the value and the limit.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code): \(message)" }
}
