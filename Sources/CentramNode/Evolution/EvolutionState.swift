public import CentramStore

/// What the node runs besides its base.
public enum EvolvedModel: Codable, Equatable, Sendable {
  /// Nothing.
  case base
  /// One adapter.
  case merged(genome: String)
  /// A causal mixture.
  case mixture([Expert])

  public struct Expert: Codable, Equatable, Sendable {
    /// Nil for the base alone.
    public var genome: String?
    /// Factor of its update.
    public var weight: Double
    public var prior: Double
    public init(genome: String?, weight: Double = 1, prior: Double) { (self.genome, self.weight, self.prior) = (genome, weight, prior) }
  }

  public var genomes: [String] {
    switch self {
    case .base: []
    case .merged(let genome): [genome]
    case .mixture(let experts): experts.compactMap(\.genome)
    }
  }

  public var measured: MeasuredModel {
    switch self {
    case .base: .sum([])
    case .merged(let genome): .sum([.init(.genome(genome))])
    case .mixture(let experts): .mixture(experts.map { expert in .init(expert.genome.map { [.init(.genome($0), weight: expert.weight)] } ?? [], prior: expert.prior) })
    }
  }
}

/// Where evolution stands. Kept as one document, `evolution.state`, so that a change of the model is one durable step.
public struct EvolutionState: Codable, Equatable, Sendable {
  static let name = "evolution.state"
  /// Older merges are kept for good and forgotten here.
  static let maximumHistory = 256
  static let maximumDecisions = 1024

  /// A genome that was taken in, and what the model was before and after. The former model's genomes stay in the store, so going back is exact.
  public struct Entry: Codable, Equatable, Sendable {
    public var number: Int
    public var genome: String, author: String, domain: String
    public var before: EvolvedModel, after: EvolvedModel
    /// Factor of the genome's update in the new model; of a mixture its prior.
    public var weight: Double
    /// Nat a byte: mean over domains, its lower bound, and on the node's own domain.
    public var lift: Double, lowerBound: Double, ownLift: Double?
    /// False where the sum was compressed.
    public var isExact: Bool
    public var keptMilliseconds: Int64
    public var isProved: Bool
  }

  /// Why a genome is not part of the model.
  public struct Decision: Codable, Equatable, Sendable {
    public var genome: String
    public var reason: String
    /// What it was measured against; nil: it is not tried again unless asked for.
    public var against: EvolvedModel?
    public var madeMilliseconds: Int64
  }

  public var version = 1
  public var model = EvolvedModel.base
  /// Oldest first; the last one's `after` is `model`.
  public var history: [Entry] = []
  public var decisions: [Decision] = []
  /// Merges ever, and events of the royalty log.
  public var merges = 0, royalties = 0
  public init() {}

  public static func current(in store: GenomeStore) throws(GenomePackageError) -> EvolutionState {
    try GenomePackageError.storing { () throws(StoreError) in try decode(try store.state(name)) }
  }

  static func decode(_ bytes: [UInt8]?) throws(StoreError) -> EvolutionState {
    guard let bytes else { return EvolutionState() }
    let state: EvolutionState = try StateDocument.decode(bytes, name)
    guard state.version == 1 else { throw StoreError(.newer, "the state \(name) has the version \(state.version); this program knows 1") }
    return state
  }

  mutating func decide(_ decision: Decision) {
    decisions.removeAll { $0.genome == decision.genome }
    decisions.append(decision)
    if decisions.count > Self.maximumDecisions { decisions.removeFirst(decisions.count - Self.maximumDecisions) }
  }
}
