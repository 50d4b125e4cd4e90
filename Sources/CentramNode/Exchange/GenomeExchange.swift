internal import CentramPluginAPI
internal import CentramStore
internal import CentramWire
internal import Foundation

/// Genomes between this node and its peers: what is offered, asked for, fetched, judged and told (families 02 and 03).
///
/// Make it, call `register`, then `run` beside the node's own `run`. It starts no task outside `run`.
public actor GenomeExchange {
  public nonisolated let settings: ExchangeSettings
  public nonisolated let counters = ExchangeCounters()
  nonisolated let node: NetworkNode
  nonisolated let library: GenomeLibrary
  nonisolated let judge: any GenomeJudging
  nonisolated let hooks: ExchangeHooks
  nonisolated let quota: ExchangeQuota
  nonisolated let signer: SigningKey
  nonisolated let scope = TaskScope()

  /// Peers that are connected, and what is remembered of others too.
  var peers: [NodeKey: ExchangePeer] = [:], memories: [NodeKey: PeerMemory] = [:]
  var catalogue = OfferCatalogue()
  /// Of which files were given since the node started.
  var left: Set<String> = []
  var wanted: [String: WantedGenome] = [:]
  /// Nil while the manifest is asked for.
  var transfers: [String: GenomeTransfer?] = [:]
  var waiting: [String: JudgementCandidate] = [:]
  var isJudging = false
  var quarantine = QuarantineSchedule()
  var revocations = KnownRevocations()
  var attestations: BoundedRecords<WireVerdict>
  var fitness: BoundedRecords<WireFitnessRecord>
  var privacy: BoundedRecords<WirePrivacyRecord>
  /// Hashes of notices that were passed on.
  var seen = RecentHashes(capacity: 8_192)
  var evaluations: [[UInt8]: EvaluationWaiter] = [:]
  var evaluationsAtWork = 0
  var rates: ExchangeRates
  private var changed = Signal()
  nonisolated let turns: ChunkTurns
  nonisolated let served = ServedGenomes()

  /// How often the store is looked at for what other processes changed.
  static let pollMilliseconds = 10_000
  /// How often a notice is passed on, and to how many.
  static let maximumHops: UInt32 = 8, noticeHops: UInt32 = 1, fanout = 6

  /// - Throws: where the store cannot be read.
  public init(
    node: NetworkNode, library: GenomeLibrary, judge: any GenomeJudging, settings: ExchangeSettings = ExchangeSettings(), hooks: ExchangeHooks = ExchangeHooks()
  ) throws(GenomePackageError) {
    (self.node, self.library, self.judge, self.settings, self.hooks) = (node, library, judge, settings, hooks)
    signer = try library.key
    let clock = node.clock, store = library.store
    let kept = try GenomePackageError.storing { () throws(StoreError) in (try store.state(Self.quotaState), try store.state(Self.quarantineState)) }
    quota = ExchangeQuota(now: { clock.unixMilliseconds }, kept: kept.0)
    quarantine = QuarantineSchedule(kept: kept.1)
    (attestations, fitness, privacy) = (
      BoundedRecords(capacity: settings[.attestationsKept], perSigner: settings[.attestationsPerSigner]) { $0.decidedMs }, BoundedRecords(capacity: settings[.fitnessKept]),
      BoundedRecords(capacity: settings[.privacyKept])
    )
    rates = ExchangeRates(settings)
    turns = ChunkTurns(perPeer: settings[.chunksServedPerPeer], total: settings[.chunksServed])
  }

  static let quotaState = "exchange.quota", quarantineState = "exchange.quarantine"

  nonisolated var store: GenomeStore { library.store }
  nonisolated var nowMilliseconds: Int64 { node.clock.unixMilliseconds }
  nonisolated var own: NodeKey { signer.publicKey }

  /// Says what to do with messages of families 02 and 03.
  public nonisolated func register(with handlers: HandlerRegistry) {
    registerOffers(handlers)
    registerServing(handlers)
    registerOutcomes(handlers)
    registerLineage(handlers)
    registerNotices(handlers)
    registerEvaluations(handlers)
  }

  /// Offers, fetches and judges until its task is cancelled or the node has stopped.
  public func run() async {
    let scope = scope
    await node.waitUntilStarted()
    takeUpWhatIsLeft()
    recallAttestations()
    await withTaskCancellationHandler {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await scope.run() }
        group.addTask {
          await self.watchPeers()
          scope.cancel()
        }
        group.addTask { await self.watchStore() }
        await group.next()
        await group.next()
        group.cancelAll()
      }
    } onCancel: {
      scope.cancel()
    }
    for id in transfers.keys.sorted() { await transfers[id]??.stop() }
    keepState()
  }

  /// Looks at the store again: a genome or a revocation was added, or a state changed.
  public nonisolated func storeChanged() { scope.start { await self.wakeStore() } }

  func wakeStore() {
    let old = changed
    changed = Signal()
    old.send()
  }

  // MARK: What goes on

  private func watchPeers() async {
    while !Task.isCancelled, await node.phase == .running {
      let before = Self.fingerprint(await node.peers())
      await meet(await node.connections())
      await node.wait { Self.fingerprint($0) != before }
    }
  }

  private nonisolated static func fingerprint(_ peers: [PeerStatus]) -> [String] {
    peers.filter { $0.state == .connected }.map { "\($0.id ?? "") \($0.since)" }
  }

  private func watchStore() async {
    while !Task.isCancelled {
      let signal = changed
      await refresh()
      await meet(await node.connections())
      _ = try? await node.clock.withDeadline(milliseconds: Self.pollMilliseconds) {
        signal.send()
      } _: {
        await signal.wait()
      }
      if signal === changed, signal.hasHappened { changed = Signal() }
    }
  }

  /// Takes note of who is connected; a new connection gets every offer again, for those of the one before may be lost.
  private func meet(_ connections: [(number: UInt64, session: PeerSession)]) async {
    var present: Set<NodeKey> = []
    for (number, session) in connections {
      let peer = await session.peer
      present.insert(peer)
      let before = peers[peer]?.connection
      guard before != number else { continue }
      // What came before the connection was seen here belongs to it.
      if before != nil { memories[peer]?.has = [] }
      peers[peer] = ExchangePeer(connection: number, session: session)
    }
    for peer in peers.keys.sorted() where !present.contains(peer) {
      peers[peer] = nil
      memories[peer]?.has = []
      for id in wanted.keys { wanted[id]?.sources.removeAll { $0 == peer } }
      wanted = wanted.filter { !$0.value.sources.isEmpty || transfers[$0.key] != nil }
    }
    if memories.count > PeerMemory.most {
      for peer in memories.keys.sorted() where peers[peer] == nil && memories.count > PeerMemory.most { memories[peer] = nil }
    }
    for peer in peers.keys.sorted() { offer(to: peer) }
  }

  /// What this process or one before left undone.
  private func takeUpWhatIsLeft() {
    for record in (try? store.genomes(state: .received)) ?? [] where store.hasFiles(record) { expect(record) }
    startJudging()
  }

  private func expect(_ record: GenomeRecord) { waiting[record.id] = JudgementCandidate(author: record.author, sequence: record.sequence, sources: []) }

  func keepState() {
    if let bytes = quota.changes() { try? store.setState(bytes, Self.quotaState) }
    if let bytes = quarantine.changes() { try? store.setState(bytes, Self.quarantineState) }
  }

  /// Points for a peer that broke a rule.
  func punish(_ peer: NodeKey, _ points: Double) async { await node.misbehaved(peer, points) }

  /// Sends to a peer, if it is connected.
  func tell(_ peer: NodeKey, _ message: some WireMessage) async { _ = try? await node.session(with: peer)?.send(message) }
}
