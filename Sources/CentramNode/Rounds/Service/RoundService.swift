internal import CentramPluginAPI
public import CentramStore
public import CentramWire
internal import Foundation

/// The training rounds of a node: the ones that it coordinates, takes part in, or heard of.
///
/// Register it, then call `run`, which ends with its task. State is in the store before anything that rests on it leaves the node, so a node that is
/// killed goes on where it was.
public actor RoundService {
  public struct Hooks: Sendable {
    /// Makes the work of a round; nil where this node does not do it.
    public var work: @Sendable (WireRoundAnnounce) async throws(RoundError) -> any RoundWork
    /// A proof that a peer broke the rules.
    public var accused: @Sendable (WireMisbehaviourProof) async -> Void = { _ in }
    /// A step's aggregate is final: it is in the store.
    public var stepped: @Sendable (WireRoundAnnounce, RoundResult) async -> Void = { _, _ in }
    /// A round ended here, with its last result or with why it was given up. Of a round that this node coordinates it is told until it returned once,
    /// after a restart too.
    public var ended: @Sendable (WireRoundAnnounce, RoundResult?, String) async -> Void = { _, _, _ in }
    public init(work: @escaping @Sendable (WireRoundAnnounce) async throws(RoundError) -> any RoundWork) { self.work = work }
  }

  /// Rounds at a time that a node coordinates, and that it takes part in.
  public static let maximumRounds = 16
  /// Milliseconds between two looks at the time; what was lost is said again then.
  public nonisolated let interval: Int

  let node: NetworkNode
  let store: GenomeStore
  let hooks: Hooks
  nonisolated let key: SigningKey
  nonisolated let scope = TaskScope()
  var coordinators: [Data: RoundCoordinator] = [:]
  var participants: [Data: RoundParticipant] = [:]
  var works: [Data: any RoundWork] = [:]
  var heard = HeardRounds()
  /// What was said when joining.
  var offers: [Data: RoundParticipant.Offer] = [:]
  /// Local steps that are under way, to be stopped when their step is over.
  var trainings: [Data: Signal] = [:]
  /// Blobs that peers may have: those that were shown or proposed.
  var shared: Set<Data> = []
  /// Unix milliseconds at which the leases of what rounds need were last renewed.
  var renewed: UInt64 = 0
  /// Something to do for a round, and for which of a node's two parts in it.
  struct Job: Sendable { let round: Data, isCoordinators: Bool, effect: RoundEffect }
  private let queue: AsyncStream<Job>
  private let effects: AsyncStream<Job>.Continuation

  public init(node: NetworkNode, key: SigningKey, store: GenomeStore, hooks: Hooks, interval: Int = 2_000) {
    (self.node, self.key, self.store, self.hooks, self.interval) = (node, key, store, hooks, interval)
    (queue, effects) = AsyncStream.makeStream()
  }

  var now: UInt64 { UInt64(max(0, node.clock.unixMilliseconds)) }
  var own: NodeKey { key.publicKey }

  /// Takes the family's messages, and gives blobs of rounds.
  public nonisolated func register(with handlers: HandlerRegistry) {
    for type in MessageType.allCases where type.family == .training {
      handlers.on(type) { [weak self] incoming in
        await self?.take(incoming.frame, from: incoming.peer)
        return nil
      }
    }
    BlobServer(store: store) { [weak self] blob, _ in await self?.shares(blob) ?? false }.register(with: handlers)
  }

  func shares(_ blob: Data) -> Bool { shared.contains(blob) }

  /// Goes on with the rounds that were under way, and serves until its task is cancelled.
  public func run() async throws(RoundError) {
    try restore()
    await withDiscardingTaskGroup { group in
      group.addTask { await self.scope.run() }
      group.addTask { for await job in self.queue { await self.carryOut(job) } }
      while (try? await node.clock.sleep(milliseconds: interval)) != nil { tick() }
      scope.cancel()
      effects.finish()
      group.cancelAll()
    }
  }

  private func tick() {
    let now = now
    for round in coordinators.keys { coordinate(round) { $0.tick(now: now) } }
    for round in participants.keys { participate(round) { $0.tick(now: now) } }
    if now >= renewed + UInt64(store.options.leaseMilliseconds / 6) { renewLeases(now) }
  }

  // MARK: Frames

  func take(_ frame: Frame, from peer: NodeKey) async {
    guard let message = try? ReceivedRoundMessage(frame) else { return }
    if case .announce(let announce) = message { return await hear(announce, frame.header.sender, peer) }
    give(frame, of: message.round, toCoordinator: true)
    give(frame, of: message.round, toCoordinator: false)
  }

  func give(_ frame: Frame, of round: Data, toCoordinator: Bool) {
    let now = now
    if toCoordinator { coordinate(round) { $0.take(frame, now: now) } } else { participate(round) { $0.take(frame, now: now) } }
  }

  private func hear(_ announce: WireRoundAnnounce, _ sender: NodeKey, _ peer: NodeKey) async {
    let wasVerified = heard.rounds[announce.round]?.isVerified ?? false
    let verdict = heard.take(announce, signedBy: sender, from: peer, now: now)
    if !wasVerified, heard.rounds[announce.round]?.isVerified == true {
      let name = Hexadecimal.text(announce.round)
      node.log(.info, "round \(name.prefix(8)) is announced by \(Hexadecimal.text(announce.coordinator).prefix(16)); centram-host round join \(name) takes part")
    }
    guard case .forward = verdict else { return }
    var next = announce
    next.hops += 1
    guard let frame = key.publish(next, now: now) else { return }
    let others = await node.sessions().filter { $0.peer != peer && !announce.coordinator.elementsEqual($0.peer.bytes) }
    for (_, session) in others.prefix(HeardRounds.fanout) { try? await session.forward(frame) }
  }

  // MARK: State

  /// Runs a coordinator, keeps what changed, and then has the effects carried out.
  /// - Returns: whether it happened, or there is nothing that it could happen to.
  @discardableResult func coordinate(_ round: Data, _ body: (inout RoundCoordinator) -> [RoundEffect]) -> Bool {
    guard var machine = coordinators[round] else { return true }
    let before = machine.record, made = body(&machine)
    if machine.record.since == nil || machine.record.phase != before.phase || machine.record.step != before.step { machine.record.since = now }
    if machine.record != before, !keep(machine.record.encoded(), Self.coordinatorState(round)) { return false }
    coordinators[round] = machine
    for effect in made { effects.yield(Job(round: round, isCoordinators: true, effect: effect)) }
    return true
  }

  @discardableResult func participate(_ round: Data, _ body: (inout RoundParticipant) -> [RoundEffect]) -> Bool {
    guard var machine = participants[round] else { return true }
    let before = machine.record, made = body(&machine)
    if machine.record.since == nil || machine.record.phase != before.phase || machine.record.step != before.step { machine.record.since = now }
    if machine.record != before, !keep(machine.record.encoded(), Self.participantState(round)) { return false }
    if machine.record.step != before.step || machine.isOver { trainings.removeValue(forKey: round)?.send() }
    participants[round] = machine
    for effect in made { effects.yield(Job(round: round, isCoordinators: false, effect: effect)) }
    return true
  }

  /// An outcome of work comes once, unlike messages, so it is given until its state could be kept: a full disk would lose it else, and the round would wait.
  func coordinateUntilKept(_ round: Data, _ body: (inout RoundCoordinator) -> [RoundEffect]) async {
    while !coordinate(round, body), (try? await node.clock.sleep(milliseconds: interval)) != nil {}
  }

  func participateUntilKept(_ round: Data, _ body: (inout RoundParticipant) -> [RoundEffect]) async {
    while !participate(round, body), (try? await node.clock.sleep(milliseconds: interval)) != nil {}
  }

  /// What cannot be kept does not happen: the machine stays as it was.
  private func keep(_ bytes: [UInt8], _ name: String) -> Bool {
    do throws(StoreError) {
      try store.setState(bytes, name)
      return true
    } catch {
      node.log(.error, "a round's state could not be kept: \(error.message)")
      return false
    }
  }
}
