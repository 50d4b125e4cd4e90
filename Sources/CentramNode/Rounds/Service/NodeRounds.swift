internal import CentramModel
public import CentramHost
internal import CentramStore
public import CentramWire
internal import Foundation

/// What a user asks of a node's rounds, and what the node needs to go on with them after a restart.
public struct NodeRounds: Sendable {
  /// A round to begin.
  public struct StartRequest: Codable, Sendable {
    /// The base model's path.
    public var base: String
    /// What to train on where this node takes part, too; nil: it only coordinates.
    public var data: String?
    public var domain = ""
    public var trainer = "trainer.lora", trainerParameters = "{}"
    public var aggregator = "merge.lora_cat", aggregatorParameters = ""
    public var localSteps: UInt32 = 50, outerSteps: UInt32 = 6
    public var outerLearningRate = 1.0, outerMomentum = 0.0
    public var minimumParticipants: UInt32 = 2, maximumParticipants: UInt32 = 16
    /// Basis points.
    public var quorum: UInt32 = 6_667
    public var maximumRelativeNorm = 0.0
    /// What a participant may spend in the whole round; 0: it is not private.
    public var maximumEpsilon = 0.0
    /// Seconds.
    public var joinSeconds = 300, stepSeconds = 3_600, revealSeconds = 300, voteSeconds = 600
    public init(base: String) { self.base = base }
  }

  /// A round to take part in.
  public struct JoinRequest: Codable, Sendable {
    /// 32 hexadecimal digits, or a beginning that only one has.
    public var round: String
    public var base: String, data: String, domain = ""
    public init(round: String, base: String, data: String) { (self.round, self.base, self.data) = (round, base, data) }
  }

  /// A round as it stands here.
  public struct Status: Codable, Sendable, Equatable {
    public var round: String, coordinator: String
    /// `announced`, `coordinating` or `participating`.
    public var role: String
    public var phase: String
    public var step: UInt32, outerSteps: UInt32
    public var participants: Int
    /// Unix milliseconds.
    public var joinBy: UInt64
    /// SHA-256 of the last final aggregate; empty before.
    public var lastResult: String
    public var message: String
    public var base: String, trainer: String, domain: String
    /// Of the coordinator: the votes on the present proposal, or those that made the last aggregate final.
    public var votes: [RoundBallot] = []
    /// What the round waits for; nil when it is over, and of a round that was only heard of.
    public var waiting: RoundWait?
  }

  /// What is kept of a round beside the state machines.
  private struct Place: Codable {
    var version = 1
    var base: String, data: String?
  }

  public let service: RoundService
  let library: GenomeLibrary
  let node: NetworkNode
  let means: Means
  var plugins: PluginHost { means.plugins }

  /// What the work of a round needs of the node.
  public struct Means: Sendable {
    public var plugins: PluginHost
    /// For trainings while they run.
    public var folder: String
    public var threads = 1
    /// Judges updates; nil: only the round's own checks do.
    public var gate: RoundGate?
    /// Measures aggregates; nil: votes say no lift.
    public var evaluation: NodeEvaluation?
    /// Keeps the account of private rounds; nil: this node trains in none.
    public var privacy: RoundPrivacy?
    public init(plugins: PluginHost, folder: String) { (self.plugins, self.folder) = (plugins, folder) }
  }

  /// - Parameters:
  ///   - agent: program and version, stated in manifests.
  ///   - genomesChanged: called when a finished round became a genome.
  public init(
    node: NetworkNode, key: SigningKey, library: GenomeLibrary, means: Means, agent: String, genomesChanged: @escaping @Sendable () -> Void = {}
  ) {
    (self.node, self.library, self.means) = (node, library, means)
    let store = library.store, log = node.log
    // It reads the whole base, for its hash.
    var hooks = RoundService.Hooks { (announce) async throws(RoundError) in
      try await LongCalculation.attempt { () throws(RoundError) in try Self.work(announce, store, means, node.clock) }
    }
    hooks.accused = { proof in
      log(.warning, "\(Hexadecimal.text(proof.accused)): \(proof.message)")
      let now = UInt64(max(0, node.clock.unixMilliseconds))
      guard let frame = key.publish(proof, now: now) else { return }
      for (_, session) in await node.sessions() { try? await session.forward(frame) }
    }
    hooks.stepped = { announce, result in log(.info, "round \(Self.short(announce.round)): step \(result.step) of \(announce.plan.outerSteps) is final") }
    hooks.ended = { announce, result, message in
      log(.info, "round \(Self.short(announce.round)) is over\(message.isEmpty ? "" : ": \(message)")")
      guard announce.coordinator.elementsEqual(key.publicKey.bytes), let result else { return }
      do {
        let work = try Self.work(announce, store, means, node.clock)
        let record = try library.create(announce, result, by: work, folder: "\(means.folder)/result-\(Hexadecimal.text(announce.round))", parent: nil, agent: agent)
        if let record { log(.info, "round \(Self.short(announce.round)) made the genome \(record.id)") }
        genomesChanged()
      } catch { log(.error, "the result of round \(Self.short(announce.round)) could not be made a genome: \(error)") }
    }
    service = RoundService(node: node, key: key, store: store, hooks: hooks)
  }

  private static func short(_ round: Data) -> String { String(Hexadecimal.text(round).prefix(8)) }
  private static func placeName(_ round: Data) -> String { "rounds.place.\(Hexadecimal.text(round))" }

  private static func work(
    _ announce: WireRoundAnnounce, _ store: GenomeStore, _ means: Means, _ clock: any NodeClock
  ) throws(RoundError) -> AdapterRounds {
    let place: Place
    do throws(StoreError) {
      guard let bytes = try store.state(placeName(announce.round)), let kept = try? JSONDecoder().decode(Place.self, from: Data(bytes)) else {
        throw StoreError(.notFound, "where round \(short(announce.round)) finds its base is not known here")
      }
      place = kept
    } catch { throw RoundError(.storage, error.message) }
    var settings = AdapterRounds.Settings(base: place.base, data: place.data, folder: means.folder)
    (settings.threads, settings.gate, settings.evaluation) = (means.threads, means.gate, means.evaluation)
    settings.privacy = means.privacy
    let plugins = means.plugins
    let operators = OperatorChoice(plugins)
    return try AdapterRounds(announce, settings: settings, store: store, now: { clock.unixMilliseconds }) { id, version in
      try plugins.trainer("\(id)@\(version)")
    } resolve: { (id) throws(MergeError) in
      // The very version that the round names, for another one may make other bytes.
      let version = id == announce.plan.aggregator.id ? "@\(announce.plan.aggregator.version)" : ""
      do throws(HostError) { return try operators(id + version).operation } catch { throw MergeError(.operator, error.message) }
    }
  }

  private func keep(_ round: Data, _ place: Place) throws(RoundError) {
    guard let bytes = try? JSONEncoder().encode(place) else { throw RoundError(.storage, "the round's place cannot be written") }
    do throws(StoreError) { try library.store.setState([UInt8](bytes), Self.placeName(round)) } catch { throw RoundError(.storage, error.message) }
  }

  // MARK: What a user asks

  /// - Returns: the round's name, 32 hexadecimal digits.
  public func start(_ request: StartRequest) async throws(RoundError) -> String {
    var announce = WireRoundAnnounce()
    let now = UInt64(max(0, node.clock.unixMilliseconds))
    (announce.round, announce.coordinator) = (Data(node.services.randomBytes(16)), Data(service.key.publicKey.bytes))
    announce.plan = try plan(request)
    (announce.minimumParticipants, announce.maximumParticipants, announce.quorumBps) = (request.minimumParticipants, request.maximumParticipants, request.quorum)
    (announce.joinByMs, announce.stepMs) = (now + Self.milliseconds(request.joinSeconds, 604_800), UInt32(Self.milliseconds(request.stepSeconds, 604_800)))
    (announce.revealMs, announce.voteMs) = (UInt32(Self.milliseconds(request.revealSeconds, 86_400)), UInt32(Self.milliseconds(request.voteSeconds, 86_400)))
    // What nobody could read is said here, in the words of the protocol's rules.
    do throws(WireError) {
      _ = try Frame.signed(announce, by: service.key, to: .anyone, sequence: now, unixMilliseconds: now)
    } catch { throw RoundError(.configuration, error.message) }
    try keep(announce.round, Place(base: request.base, data: request.data))
    try await service.start(announce)
    if request.data != nil { try await service.join(announce.round, offer: try await offer(announce, request.domain)) }
    return Hexadecimal.text(announce.round)
  }

  public func join(_ request: JoinRequest) async throws(RoundError) -> String {
    let known = await service.announced().filter { Hexadecimal.text($0.announce.round).hasPrefix(request.round.lowercased()) }
    guard known.count == 1, !request.round.isEmpty else {
      throw RoundError(.notFound, "\(known.count) announced rounds begin with \(request.round.prefix(40)); centram-host round status shows them")
    }
    let announce = known[0].announce, hash: String
    do throws(GenomePackageError) { hash = try BaseModelHash.of(request.base) } catch { throw RoundError(.configuration, error.message) }
    guard hash == Hexadecimal.text(announce.plan.base) else {
      throw RoundError(.configuration, "\(request.base) has the hash \(hash); the round is about the base \(Hexadecimal.text(announce.plan.base))")
    }
    try keep(announce.round, Place(base: request.base, data: request.data))
    try await service.join(announce.round, offer: try await offer(announce, request.domain))
    return Hexadecimal.text(announce.round)
  }

  /// Gives up a round that this node coordinates, or leaves one.
  public func stop(_ round: String) async throws(RoundError) {
    guard let bytes = Hexadecimal.bytes(round.lowercased().utf8), bytes.count == 16 else {
      throw RoundError(.notFound, "\(round.prefix(40)) is no round's name, which has 32 hexadecimal digits")
    }
    guard await status().contains(where: { $0.round == round.lowercased() && $0.role != "announced" }) else {
      throw RoundError(.notFound, "this node has no part in round \(round)")
    }
    await service.stop(Data(bytes))
  }

  public func status() async -> [Status] {
    func status(_ announce: WireRoundAnnounce, _ role: String, _ phase: String) -> Status {
      Status(
        round: Hexadecimal.text(announce.round), coordinator: Hexadecimal.text(announce.coordinator), role: role, phase: phase, step: 0, outerSteps: announce.plan.outerSteps,
        participants: 0, joinBy: announce.joinByMs, lastResult: "", message: "", base: Hexadecimal.text(announce.plan.base),
        trainer: "\(announce.plan.trainer.id) \(announce.plan.trainer.version)", domain: announce.plan.domain)
    }
    var all: [Status] = []
    let connected = Set((await node.sessions().map(\.peer) + [service.key.publicKey]).map(\.description))
    func named(_ wait: RoundWait?) -> RoundWait? {
      guard var wait else { return nil }
      wait.members = wait.members.map { member in
        var member = member
        member.isConnected = connected.contains(member.key)
        return member
      }
      return wait
    }
    for machine in await service.coordinated() {
      var line = status(machine.announce, "coordinating", machine.record.phase.rawValue)
      (line.step, line.participants, line.lastResult, line.message) = (
        machine.record.step, machine.record.members.count, Hexadecimal.text(machine.record.lastResult), machine.record.message
      )
      (line.votes, line.waiting) = (machine.ballots, named(machine.waiting))
      all.append(line)
    }
    for machine in await service.joined() {
      var line = status(machine.announce, "participating", machine.record.phase.rawValue)
      (line.step, line.participants, line.lastResult, line.message) = (
        machine.record.step, machine.record.members.count, Hexadecimal.text(machine.record.lastResult), machine.record.message
      )
      line.waiting = named(machine.waiting)
      all.append(line)
    }
    for heard in await service.announced() where !all.contains(where: { $0.round == Hexadecimal.text(heard.announce.round) }) {
      all.append(status(heard.announce, "announced", heard.isVerified ? "joining" : "hearsay"))
    }
    return all
  }

  private func plan(_ request: StartRequest) throws(RoundError) -> WireRoundPlan {
    var plan = WireRoundPlan()
    do throws(GenomePackageError) {
      plan.base = Data(Hexadecimal.bytes(try BaseModelHash.of(request.base).utf8) ?? [])
    } catch { throw RoundError(.configuration, error.message) }
    do throws(HostError) {
      let trainer = try plugins.resolve(kind: .trainer, name: request.trainer), aggregator = try plugins.resolve(kind: .mergeOperator, name: request.aggregator)
      (plan.trainer.id, plan.trainer.version) = (trainer.id, trainer.version?.description ?? "0")
      (plan.aggregator.id, plan.aggregator.version) = (aggregator.id, aggregator.version?.description ?? "0")
    } catch { throw RoundError(.configuration, error.message) }
    (plan.trainerParameters, plan.aggregatorParameters, plan.domain) = (request.trainerParameters, request.aggregatorParameters, request.domain)
    (plan.localSteps, plan.outerSteps, plan.profile) = (request.localSteps, request.outerSteps, NumericProfile.exact.rawValue)
    (plan.outerLearningRate, plan.outerMomentum, plan.maximumRelativeNorm) = (request.outerLearningRate, request.outerMomentum, request.maximumRelativeNorm)
    plan.maximumEpsilon = request.maximumEpsilon
    try RoundPrivacy.check(plan, try AdapterRounds.parameters(of: plan))
    return plan
  }

  private func offer(_ announce: WireRoundAnnounce, _ domain: String) async throws(RoundError) -> RoundParticipant.Offer {
    var offer = RoundParticipant.Offer()
    do throws(HostError) {
      let trainer = try plugins.resolve(kind: .trainer, name: "\(announce.plan.trainer.id)@\(announce.plan.trainer.version)")
      (offer.trainer.id, offer.trainer.version) = (trainer.id, trainer.version?.description ?? "0")
      _ = try plugins.resolve(kind: .mergeOperator, name: "\(announce.plan.aggregator.id)@\(announce.plan.aggregator.version)")
    } catch { throw RoundError(.configuration, error.message) }
    (offer.domain, offer.profiles) = (domain, [NumericProfile.exact.rawValue])
    if announce.plan.maximumEpsilon > 0 {
      try RoundPrivacy.check(announce.plan, try AdapterRounds.parameters(of: announce.plan))
      offer.remainingEpsilon = try await means.privacy?.remaining() ?? 0
    }
    return offer
  }

  private static func milliseconds(_ seconds: Int, _ most: Int) -> UInt64 { UInt64(min(max(seconds, 0), most)) * 1_000 }
}
