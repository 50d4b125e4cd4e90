internal import Foundation

/// Why a model could not be fetched, kept or found.
public struct ModelStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// A name, an address or a selection that cannot be right.
    public static let usage = Code(rawValue: "usage")
    /// There is no such model, here or there.
    public static let notFound = Code(rawValue: "not-found")
    /// The connection failed, or the server answered with an error.
    public static let network = Code(rawValue: "network")
    /// Bytes that are not what they should be.
    public static let damaged = Code(rawValue: "damaged")
    /// The store cannot be written, or the disk is too small.
    public static let storage = Code(rawValue: "storage")
    public static let cancelled = Code(rawValue: "cancelled")
  }

  public let code: Code
  /// A sentence that names the value, the limit and the way out.
  public let message: String
  public init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }
  public var description: String { message }

  static func system(_ path: String) -> ModelStoreError { ModelStoreError(.storage, "\(path): \(String(cString: strerror(errno)))") }
}
