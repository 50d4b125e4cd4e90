public import CentramModel

/// A model to measure: the node's base with some updates, or several of those mixed causally.
public enum MeasuredModel: Sendable {
  case sum([Term])
  /// Each with its prior, in any unit.
  case mixture([Expert])

  /// Part of a sum: weight · ΔW.
  public struct Term: Sendable {
    public var update: Update
    public var weight: Double
    public init(_ update: Update, weight: Double = 1) { (self.update, self.weight) = (update, weight) }
  }

  public struct Expert: Sendable {
    public var terms: [Term]
    public var prior: Double
    public init(_ terms: [Term], prior: Double) { (self.terms, self.prior) = (terms, prior) }
  }

  public enum Update: Sendable {
    /// Of the store, by its id.
    case genome(String)
    /// Not of the store yet; the key names its bytes.
    case adapter(Adapter, key: String)
    /// A random update with the norms of a genome's.
    case random(like: String, seed: UInt64)

    var key: String {
      switch self {
      case .genome(let id): id
      case .adapter(_, let key): "memory|\(key)"
      case .random(let id, let seed): "random|\(id)|\(seed)"
      }
    }
  }
}

/// Measures models on the node's hold-out.
public protocol ModelMeasuring: Sendable {
  /// Sorted.
  var domains: [String] { get }
  /// Loss in nat a byte of each held-out sequence of a domain, paired by index between calls as long as nobody replaces a quarter of them.
  func losses(of model: MeasuredModel, domain: String) async throws(GenomePackageError) -> [Double]
}
