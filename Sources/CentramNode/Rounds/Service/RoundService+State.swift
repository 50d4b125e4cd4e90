internal import CentramStore
public import CentramWire
public import Foundation

extension RoundService {
  /// The rounds whose states are kept.
  private struct Index: Codable {
    var version = 1
    var coordinated: [Data] = [], joined: [Data] = []
  }

  private static let indexName = "rounds.index"
  /// Milliseconds after its joining for which a round that is over is remembered, so that whoever was away hears of its end.
  static let remembered: UInt64 = 30 * 86_400_000
  static func coordinatorState(_ round: Data) -> String { "rounds.coordinator.\(Hexadecimal.text(round))" }
  static func participantState(_ round: Data) -> String { "rounds.participant.\(Hexadecimal.text(round))" }

  /// Begins a round that this node coordinates.
  /// - Throws: `.configuration`, `.storage`.
  public func start(_ announce: WireRoundAnnounce, allowed: Set<NodeKey>? = nil) throws(RoundError) {
    guard coordinators[announce.round] == nil else { throw RoundError(.configuration, "the round is begun already") }
    guard coordinators.count(where: { !$0.value.isOver }) < Self.maximumRounds else {
      throw RoundError(.configuration, "this node coordinates \(Self.maximumRounds) rounds at most")
    }
    var drawn: UInt64 = 0
    withUnsafeMutableBytes(of: &drawn) { node.random.fill($0) }
    let machine = try RoundCoordinator(announce, key: key, drawn: drawn, allowed: allowed)
    coordinators[announce.round] = machine
    if !announce.plan.start.isEmpty { shared.insert(announce.plan.start) }
    try keepIndex()
    try keep(machine.record.encoded(), named: Self.coordinatorState(announce.round))
    let now = now
    coordinate(announce.round) { $0.resume(now: now) }
  }

  /// Joins a round that was heard of from its coordinator, or that this node coordinates.
  /// - Throws: `.notFound`, `.configuration`, `.storage`.
  public func join(_ round: Data, offer: RoundParticipant.Offer) throws(RoundError) {
    guard participants[round] == nil else { throw RoundError(.configuration, "this node takes part in the round already") }
    guard participants.count(where: { !$0.value.isOver }) < Self.maximumRounds else {
      throw RoundError(.configuration, "this node takes part in \(Self.maximumRounds) rounds at most")
    }
    let announce: WireRoundAnnounce
    if let own = coordinators[round] {
      announce = own.announce
    } else {
      guard let known = heard.rounds[round] else { throw RoundError(.notFound, "no round \(Hexadecimal.text(round)) was announced here; connect to its coordinator") }
      guard known.isVerified else {
        throw RoundError(.notFound, "round \(Hexadecimal.text(round)) is known by hearsay; connect to its coordinator, \(Hexadecimal.text(known.announce.coordinator))")
      }
      announce = known.announce
    }
    let now = now, machine = try RoundParticipant(announce, offer: offer, key: key, now: now)
    participants[round] = machine
    offers[round] = offer
    try keepIndex()
    try keep(machine.record.encoded(), named: Self.participantState(round))
    participate(round) { $0.resume(now: now) }
  }

  /// Gives up a round that this node coordinates, or leaves one.
  public func stop(_ round: Data) {
    let now = now
    coordinate(round) { $0.abort(.operator, "the coordinator's operator stopped it", now) }
    participate(round) { $0.leave(.leaving, "the operator left the round", now) }
  }

  /// Rounds that were heard of and can still be joined.
  public func announced() -> [HeardRound] { heard.rounds.values.filter { $0.announce.joinByMs >= now }.sorted { $0.announce.joinByMs < $1.announce.joinByMs } }

  public func coordinated() -> [RoundCoordinator] { coordinators.values.sorted { $0.announce.joinByMs < $1.announce.joinByMs } }
  public func joined() -> [RoundParticipant] { participants.values.sorted { $0.announce.joinByMs < $1.announce.joinByMs } }

  private func keepIndex() throws(RoundError) {
    var index = Index()
    (index.coordinated, index.joined) = (coordinators.keys.sorted(by: Self.isLess), participants.keys.sorted(by: Self.isLess))
    guard let bytes = try? JSONEncoder().encode(index) else { throw RoundError(.storage, "the list of rounds cannot be written") }
    try keep([UInt8](bytes), named: Self.indexName)
  }

  private static func isLess(_ a: Data, _ b: Data) -> Bool { a.lexicographicallyPrecedes(b) }

  private func keep(_ bytes: [UInt8], named name: String) throws(RoundError) {
    do throws(StoreError) { try store.setState(bytes, name) } catch { throw RoundError(.storage, error.message) }
  }

  /// Takes up the rounds that were under way when the node ended.
  func restore() throws(RoundError) {
    do {
      guard let bytes = try store.state(Self.indexName) else { return }
      let index = try JSONDecoder().decode(Index.self, from: Data(bytes)), now = now
      var hasForgotten = false
      for round in index.coordinated where coordinators[round] == nil {
        guard let bytes = try store.state(Self.coordinatorState(round)) else { continue }
        let machine = try RoundCoordinator(resuming: CoordinatorRecord(decoding: bytes), key: key)
        guard !machine.isOver || !machine.record.isDelivered || machine.announce.joinByMs + Self.remembered > now else {
          hasForgotten = true
          continue
        }
        coordinators[round] = machine
        shared.formUnion(machine.blobs)
        coordinate(round) { $0.resume(now: now) + $0.undelivered }
      }
      for round in index.joined where participants[round] == nil {
        guard let bytes = try store.state(Self.participantState(round)) else { continue }
        let record = try ParticipantRecord(decoding: bytes)
        guard ![.done, .aborted].contains(record.phase) || (try? WireRoundAnnounce(serializedBytes: record.announce).joinByMs + Self.remembered > now) == true else {
          hasForgotten = true
          continue
        }
        let machine = try RoundParticipant(resuming: record, offer: offers[round] ?? RoundParticipant.Offer(resuming: record), key: key, now: now)
        participants[round] = machine
        shared.formUnion(machine.blobs)
        participate(round) { $0.resume(now: now) }
      }
      if hasForgotten { try keepIndex() }
    } catch let error as RoundError { throw error } catch { throw RoundError(.storage, "\(error)") }
  }
}

extension RoundService {
  /// A step may take longer than a lease lasts, and a collection must not free what the round needs. What ended is a genome, or needed by nobody.
  func renewLeases(_ now: UInt64) {
    var needed = coordinators.values.filter { !$0.isOver || !$0.record.isDelivered }.flatMap(\.blobs)
    needed += participants.values.filter { !$0.isOver }.flatMap { $0.blobs + ($0.record.update.map { [$0.hash] } ?? []) }
    let hashes = Set(needed).map { Hexadecimal.text($0) }
    do throws(StoreError) {
      try store.renewLeases(ofBlobs: hashes, now: Int64(now))
      renewed = now
    } catch { node.log(.error, "leases of a round's blobs could not be renewed: \(error.message)") }
  }
}

extension RoundCoordinator {
  /// The end of a round, where a restart came before it was made use of.
  var undelivered: [RoundEffect] {
    guard isOver, !record.isDelivered else { return [] }
    return [.ended(lastResult, reason: WireRoundAbortReason(rawValue: record.abortReason) ?? .unspecified, message: record.message)]
  }

  /// Blobs that others need of this node.
  var blobs: [Data] { [record.start, record.lastResult].filter { !$0.isEmpty } + record.entries.compactMap(\.update) }
}

extension RoundParticipant {
  /// Blobs that others need of this node: its update only once it was shown.
  var blobs: [Data] {
    [record.start, record.lastResult].filter { !$0.isEmpty } + ([.revealed, .voted].contains(record.phase) ? record.update.map { [$0.hash] } ?? [] : [])
  }
}

extension RoundParticipant.Offer {
  /// What it said when it joined, as far as it matters after a restart.
  init(resuming record: ParticipantRecord) {
    self.init()
    domain = record.domain
    guard let announce = try? WireRoundAnnounce(serializedBytes: record.announce) else { return }
    (trainer, profiles) = (announce.plan.trainer, [announce.plan.profile])
  }
}
