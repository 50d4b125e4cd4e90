/// A model in the store: which files it has, and the SHA-256 of each.
public struct StoredModel: Codable, Sendable, Equatable {
  public struct File: Codable, Sendable, Equatable {
    public let path: String
    public let bytes: Int
    /// Hexadecimal digits.
    public let sha256: String
  }

  public static let version = 1
  public let version: Int
  /// What it is called here: `qwen2.5-0.5b`, `owner/name`, or the name it was imported under.
  public let name: String
  /// Where it came from: an address or a path.
  public let source: String
  public let files: [File]

  public init(name: String, source: String, files: [File]) {
    (version, self.name, self.source, self.files) = (Self.version, name, source, files.sorted { $0.path < $1.path })
  }

  public var bytes: Int { files.reduce(0) { $0 + $1.bytes } }
}
