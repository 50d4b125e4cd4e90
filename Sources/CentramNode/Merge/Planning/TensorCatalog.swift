public import CentramModel

/// The names, formats and shapes of a model's tensors: all that planning needs of it.
public struct TensorCatalog: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var format: NumberFormat
    /// Extents, outermost first; empty for a scalar.
    public var shape: [Int]

    public init(_ format: NumberFormat, _ shape: [Int]) { (self.format, self.shape) = (format, shape) }

    public var count: Int { shape.reduce(1, *) }
    public var bytes: Int { count * format.size }
  }

  public var entries: [String: Entry]

  public init(_ entries: [String: Entry] = [:]) { self.entries = entries }

  public subscript(name: String) -> Entry? { entries[name] }
}
