internal import CentramGenome
internal import CentramStore
internal import CentramWire
internal import Foundation

/// Why a genome could not be made, taken in or given out.
public struct GenomePackageError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A setting that cannot be right.
    public static let usage = Code(rawValue: "usage")
    /// There is no such genome, file or folder.
    public static let notFound = Code(rawValue: "not-found")
    /// What is there is no genome: a file is missing, too large, or not of its format.
    public static let malformed = Code(rawValue: "malformed")
    /// The signature of the manifest does not hold.
    public static let signature = Code(rawValue: "signature")
    /// A file is not the one that the manifest names.
    public static let tampered = Code(rawValue: "tampered")
    /// The files are a genome already, or the store's state forbids it.
    public static let conflict = Code(rawValue: "conflict")
    /// The store or the output cannot be read or written, or the disk is full.
    public static let storage = Code(rawValue: "storage")
    public static let cancelled = Code(rawValue: "cancelled")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }

  static func system(_ path: String, missing: Code = .notFound) -> GenomePackageError {
    let reason = errno
    return GenomePackageError(reason == ENOENT ? missing : .storage, "\(path): \(String(cString: strerror(reason)))")
  }

  init(_ error: StoreError) {
    let code: Code =
      switch error.code {
      case .notFound: .notFound
      case .ambiguous, .invalid: .usage
      case .conflict: .conflict
      default: .storage
      }
    self.init(code, error.message)
  }

  init(_ error: GenomeError, in place: String) { self.init(.malformed, "\(place): \(error.message)") }

  /// Gives the store's errors the words of this layer.
  static func storing<Value>(_ body: () throws(StoreError) -> Value) throws(GenomePackageError) -> Value {
    do throws(StoreError) { return try body() } catch { throw GenomePackageError(error) }
  }
}
