/// A place in a configuration file: `merge.yml:7:9: models[1].parameters`.
public struct ConfigurationPlace: Sendable, Hashable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// The keys and indices that lead there; empty for the whole document.
  public var path: String

  public init(file: String, line: Int, column: Int, path: String) {
    (self.file, self.line, self.column, self.path) = (file, line, column, path)
  }

  public var description: String { "\(file):\(line):\(column)" + (path.isEmpty ? "" : ": \(path)") }

  func error(_ message: String) -> MergeError { MergeError(.configuration, "\(self): \(message)") }
}
