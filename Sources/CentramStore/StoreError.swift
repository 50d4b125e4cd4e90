internal import Foundation

/// Why something could not be kept, found or read back.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// There is no such entry.
    public static let notFound = Code(rawValue: "not-found")
    /// An abbreviation that several entries begin with, or none could have.
    public static let ambiguous = Code(rawValue: "ambiguous")
    /// The database or a file is not what was written.
    public static let damaged = Code(rawValue: "damaged")
    /// The disk is full.
    public static let full = Code(rawValue: "full")
    /// The disk cannot be read or written.
    public static let storage = Code(rawValue: "storage")
    /// Another process has it.
    public static let busy = Code(rawValue: "busy")
    /// What is there forbids it: a frozen author, a state that is final, files that are missing.
    public static let conflict = Code(rawValue: "conflict")
    /// Written by a later version of Centram.
    public static let newer = Code(rawValue: "newer")
    /// A value that cannot be kept.
    public static let invalid = Code(rawValue: "invalid")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }

  /// The last failure of a system call on `path`.
  static func system(_ path: String) -> StoreError {
    let reason = errno
    return StoreError(reason == ENOSPC || reason == EDQUOT ? .full : .storage, "\(path): \(String(cString: strerror(reason)))")
  }
}
