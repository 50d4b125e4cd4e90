internal import CentramStore

/// Something for which genomes' authors are owed a share. Events are numbered from 1 without gaps and never change, so a reader that remembers the last
/// number it took takes each exactly once.
public struct RoyaltyEvent: Codable, Equatable, Sendable {
  public enum Kind: String, Codable, Sendable {
    /// A genome became part of the model.
    case merge
    /// The model answered; shares are the mixture's responsibilities.
    case use
    /// A merge was taken back. `reverts` is its number.
    case revert
  }

  public struct Share: Codable, Equatable, Sendable {
    public var genome: String, author: String
    /// Of all shares they sum to 10,000, less the base's in a mixture.
    public var basisPoints: Int
    public init(genome: String, author: String, basisPoints: Int) { (self.genome, self.author, self.basisPoints) = (genome, author, basisPoints) }
  }

  public var version = 1
  public var number: Int
  public var kind: Kind
  /// Unix milliseconds.
  public var madeMilliseconds: Int64
  /// The genome that the model is now; nil for a mixture.
  public var genome: String?
  public var parents: [Share]
  /// Of a merge: measured lift of the mean over domains, nat a byte.
  public var lift: Double?
  /// Of a use.
  public var tokens: Int?
  public var reverts: Int?
}

/// The royalty events, kept as `evolution.royalties.N`, 256 a state.
enum RoyaltyLog {
  static let perState = 256

  static func name(_ number: Int) -> String { "evolution.royalties.\((number - 1) / perState)" }

  /// Appends in the transaction of the state that counts them.
  /// - Parameter known: holds the state of the next number, if it is there.
  static func append(_ event: RoyaltyEvent, _ state: inout EvolutionState, _ known: [String: [UInt8]]) throws(StoreError) -> (name: String, content: [UInt8]) {
    let number = state.royalties + 1, name = name(number)
    var events: [RoyaltyEvent] = try known[name].map { (bytes) throws(StoreError) in try StateDocument.decode(bytes, name) } ?? []
    events.append(event)
    events[events.count - 1].number = number
    state.royalties = number
    return (name, try StateDocument.encode(events))
  }

  /// - Parameter after: the last number that was taken; 0: none.
  static func events(in store: GenomeStore, after: Int, limit: Int) throws(StoreError) -> [RoyaltyEvent] {
    let last = try EvolutionState.decode(try store.state(EvolutionState.name)).royalties
    var events: [RoyaltyEvent] = [], number = max(0, after) + 1
    while number <= last, events.count < limit {
      let name = name(number)
      guard let bytes = try store.state(name) else { throw StoreError(.damaged, "the royalty events from \(number) on are gone from the genome store") }
      let some: [RoyaltyEvent] = try StateDocument.decode(bytes, name)
      events += some.filter { $0.number >= number }
      number = (number - 1) / perState * perState + perState + 1
    }
    return Array(events.prefix(limit))
  }
}
