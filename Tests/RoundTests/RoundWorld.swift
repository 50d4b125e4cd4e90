import CentramWire
import Foundation

@testable import CentramNode

/// Seeded, so that a failure can be repeated: SplitMix64.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }
}

/// Coordinator and participants on one thread in virtual time, over a network that delays, loses, doubles and reorders, with work doubles in the place
/// of training and merging. A crash loses a node's memory and what it was about to send; what it kept stays.
struct RoundWorld {
  struct Faults {
    var delay: ClosedRange<UInt64> = 1...400
    var loss = 0.0, duplication = 0.0
    /// Of a node, at each thing that it does.
    var crash = 0.0
    var until: UInt64 = .max
  }
  enum Machine { case coordinator(RoundCoordinator), participant(RoundParticipant) }
  struct Node {
    let number: Int
    let key: SigningKey
    var machine: Machine?
    /// What a crash leaves.
    var kept: [UInt8] = []
    var isHonest = true
    /// Changes what it would do, for hostile nodes.
    var intercept: (@Sendable (RoundEffect, inout SeededRandom) -> [RoundEffect])?
    /// Gone for good.
    var hasVanished = false
  }
  enum Event {
    case frame(Frame), tick, restart
    case trained(UInt32, Result<TrainedUpdate, RoundError>), checked(RoundUpdate, String?), refused(UInt32, [RoundRefusal])
    case aggregated(UInt32, Result<RoundAggregate, RoundError>), recomputed(UInt32, Data, RoundParticipant.Recomputation)
  }

  static let begin: UInt64 = 1_800_000_000_000
  var random: SeededRandom
  var faults = Faults()
  var now = Self.begin
  var nodes: [Node] = []
  private var queue: [(time: UInt64, node: Int, event: Event)] = []
  var trainings = 0
  /// That one event had.
  var mostEffects = 0
  /// Results that nodes said were final, by step.
  var finals: [UInt32: [Int: Data]] = [:]
  var proofs: [(by: Int, proof: WireMisbehaviourProof)] = []
  var acknowledgements: [(to: NodeKey, message: WireUpdateAck)] = []
  var ended: [Int: (result: RoundResult?, reason: WireRoundAbortReason, message: String)] = [:]
  /// Commitments that left a node, by node and step.
  var commitments: [String: Set<Data>] = [:]
  var votes: [String: Set<Data>] = [:]
  /// What the gate of a node says of an update.
  var gate: @Sendable (RoundUpdate) -> String? = { _ in nil }
  /// What the coordinator's gate says of updates beside each other.
  var judged: @Sendable (RoundAggregation) -> [RoundRefusal] = { _ in [] }
  /// Whether a participant's local steps leave a privacy record.
  var isPrivate: @Sendable (Int) -> Bool = { _ in false }
  /// Local steps of a participant take so long.
  var trainingTime: @Sendable (Int) -> UInt64 = { _ in 500 }
  let announce: WireRoundAnnounce

  static func key(_ number: Int) -> SigningKey { try! SigningKey(seed: (0..<32).map { $0 == 0 ? UInt8(number) : 9 }) }

  static func announce(
    participants: ClosedRange<UInt32>, outerSteps: UInt32 = 2, quorum: UInt32 = 6_667, _ change: (inout WireRoundAnnounce) -> Void = { _ in }
  ) -> WireRoundAnnounce {
    var plan = WireRoundPlan()
    plan.base = Data(repeating: 3, count: 32)
    (plan.trainer.id, plan.trainer.version) = ("trainer.lora", "1.0.0")
    (plan.aggregator.id, plan.aggregator.version) = ("merge.lora_cat", "1.0.0")
    (plan.localSteps, plan.outerSteps, plan.outerLearningRate, plan.profile) = (5, outerSteps, 1, "exact/1")
    var announce = WireRoundAnnounce()
    (announce.round, announce.coordinator, announce.plan) = (Data(repeating: 7, count: 16), Data(key(0).publicKey.bytes), plan)
    (announce.minimumParticipants, announce.maximumParticipants) = (participants.lowerBound, participants.upperBound)
    (announce.joinByMs, announce.stepMs, announce.revealMs, announce.voteMs) = (begin + 20_000, 30_000, 20_000, 20_000)
    announce.quorumBps = quorum
    change(&announce)
    return announce
  }

  static var offer: RoundParticipant.Offer {
    var offer = RoundParticipant.Offer()
    (offer.trainer.id, offer.trainer.version, offer.profiles) = ("trainer.lora", "1.0.0", ["exact/1"])
    return offer
  }

  /// With budget where the round asks for some.
  static func offer(for announce: WireRoundAnnounce) -> RoundParticipant.Offer {
    var offer = offer
    offer.remainingEpsilon = announce.plan.maximumEpsilon
    return offer
  }

  /// A record of five private steps, whose ε is 0.19 in two steps of a round.
  static func privacy(of update: Data, _ key: SigningKey) -> WirePrivacyRecord {
    var record = WirePrivacyRecord()
    (record.genome, record.node, record.madeMs, record.steps, record.examples) = (update, Data(key.publicKey.bytes), 1, 5, 1_000)
    (record.epsilon, record.delta, record.noiseMultiplier, record.clipNorm, record.samplingRate) = (0.2, 1e-4, 4, 1, 0.01)
    return record
  }

  /// Node 0 coordinates; 1 to `participants` take part.
  init(seed: UInt64, participants: Int, announce: WireRoundAnnounce, faults: Faults = Faults()) throws {
    (random, self.announce, self.faults) = (SeededRandom(seed), announce, faults)
    for number in 0...participants {
      let key = Self.key(number)
      let machine: Machine =
        number == 0
        ? .coordinator(try RoundCoordinator(announce, key: key, drawn: seed))
        : .participant(try RoundParticipant(announce, offer: Self.offer(for: announce), key: key, now: Self.begin))
      nodes.append(Node(number: number, key: key, machine: machine))
      keep(number)
    }
    for number in nodes.indices { schedule(number, .tick, in: UInt64(number) * 7) }
  }

  mutating func schedule(_ node: Int, _ event: Event, in delay: UInt64) {
    // The next one stands last.
    var (low, high) = (0, queue.count)
    while low < high {
      let middle = (low + high) / 2
      if queue[middle].time > now + delay { low = middle + 1 } else { high = middle }
    }
    queue.insert((now + delay, node, event), at: low)
  }

  /// Runs until nothing happens any more, or so long.
  mutating func run(milliseconds: UInt64 = 600_000) {
    let end = now + milliseconds
    while let next = queue.last, next.time <= end {
      let entry = queue.removeLast()
      now = max(now, entry.time)
      handle(entry.node, entry.event)
      if nodes.allSatisfy({ $0.hasVanished || ended[$0.number] != nil }) { return }
    }
    now = max(now, end)
  }

  private mutating func handle(_ number: Int, _ event: Event) {
    guard !nodes[number].hasVanished else { return }
    if case .restart = event { return restart(number) }
    if case .tick = event { schedule(number, .tick, in: 1_000) }
    guard let machine = nodes[number].machine else { return }
    var effects: [RoundEffect] = []
    switch machine {
    case .coordinator(var coordinator):
      switch event {
      case .frame(let frame): effects = coordinator.take(frame, now: now)
      case .tick: effects = coordinator.tick(now: now)
      case .checked(let update, let refusal):
        effects = coordinator.checked(step: update.step, participant: update.participant, hash: update.hash, refusal: refusal, now: now)
      case .aggregated(let step, let outcome): effects = coordinator.aggregated(step: step, outcome, now: now)
      case .refused(let step, let refusals): effects = coordinator.refused(step: step, refusals, now: now)
      case .restart, .trained, .recomputed: break
      }
      nodes[number].machine = .coordinator(coordinator)
    case .participant(var participant):
      switch event {
      case .frame(let frame): effects = participant.take(frame, now: now)
      case .tick: effects = participant.tick(now: now)
      case .trained(let step, let outcome): effects = participant.trained(step: step, outcome, now: now)
      case .recomputed(let step, let proposal, let outcome): effects = participant.recomputed(step: step, proposal: proposal, outcome, now: now)
      case .restart, .checked, .refused, .aggregated: break
      }
      nodes[number].machine = .participant(participant)
    }
    mostEffects = max(mostEffects, effects.count)
    keep(number)
    note(number)
    if faults.crash > 0, now < faults.until, random.chance(faults.crash) { return crash(number) }
    for effect in effects { carryOut(effect, number) }
  }

  mutating func carryOut(_ effect: RoundEffect, _ number: Int) {
    guard let intercept = nodes[number].intercept else { return perform(effect, number) }
    for changed in intercept(effect, &random) { perform(changed, number) }
  }

  private mutating func perform(_ effect: RoundEffect, _ number: Int) {
    switch effect {
    case .announce(let frame): for other in nodes.indices where other != number { deliver(frame, to: other) }
    case .publish(let frame, let keys):
      observe(frame, number)
      for key in keys { if let other = nodes.firstIndex(where: { $0.key.publicKey == key }) { deliver(frame, to: other) } }
    case .send(let message, let key):
      if case .acknowledge(let acknowledgement) = message { acknowledgements.append((key, acknowledgement)) }
      guard let other = nodes.firstIndex(where: { $0.key.publicKey == key }) else { return }
      deliver(Self.frame(message.wire, by: nodes[number].key, now), to: other)
    case .check(let update): schedule(number, .checked(update, gate(update)), in: UInt64.random(in: 1...300, using: &random))
    case .aggregate(let work):
      let refusals = judged(work)
      guard refusals.isEmpty else { return schedule(number, .refused(work.step, refusals), in: 5) }
      schedule(number, .aggregated(work.step, .success(RoundAggregate(hash: Self.merge(work), size: 100, norm: 1))), in: UInt64.random(in: 1...300, using: &random))
    case .recompute(let work, let proposal, _):
      schedule(number, .recomputed(work.step, proposal, .computed(Self.merge(work), lift: 0)), in: UInt64.random(in: 1...300, using: &random))
    case .train(let work):
      trainings += 1
      // Never the same twice, so that a second commitment would show.
      let update = Data(SHA256.hash(Array("update \(trainings) of \(number)".utf8)))
      let made = TrainedUpdate(
        hash: update, size: 100, localSteps: 5, tokens: 50, norm: 1, loss: 1, salt: Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }),
        privacy: isPrivate(number) ? Self.privacy(of: update, nodes[number].key) : nil)
      schedule(number, .trained(work.step, .success(made)), in: trainingTime(number))
    case .accuse(let proof): proofs.append((number, proof))
    case .stepped: break
    case .ended(let result, let reason, let message): ended[number] = (result, reason, message)
    }
  }

  static func frame(_ message: some WireMessage, by key: SigningKey, _ now: UInt64) -> Frame { key.publish(message, now: now)! }
  static func merge(_ work: RoundAggregation) -> Data {
    Data(SHA256.hash(Array(work.start) + work.parts.flatMap { Array($0.hash) + Array("\($0.weightBasisPoints)".utf8) }))
  }

  private mutating func deliver(_ frame: Frame, to number: Int) {
    let isFaulty = now < faults.until
    guard !(isFaulty && random.chance(faults.loss)) else { return }
    for _ in 0..<(isFaulty && random.chance(faults.duplication) ? 2 : 1) { schedule(number, .frame(frame), in: UInt64.random(in: faults.delay, using: &random)) }
  }

  // MARK: Crashes

  private mutating func keep(_ number: Int) {
    switch nodes[number].machine {
    case .coordinator(let machine): nodes[number].kept = machine.record.encoded()
    case .participant(let machine): nodes[number].kept = machine.record.encoded()
    case nil: break
    }
  }

  mutating func crash(_ number: Int) {
    nodes[number].machine = nil
    // What its work would have said is lost with it.
    queue.removeAll { entry in
      guard entry.node == number else { return false }
      switch entry.event {
      case .trained, .checked, .refused, .aggregated, .recomputed: return true
      case .frame, .tick, .restart: return false
      }
    }
    schedule(number, .restart, in: UInt64.random(in: 1...3_000, using: &random))
  }

  private mutating func restart(_ number: Int) {
    let effects: [RoundEffect]
    if number == 0 {
      var machine = try! RoundCoordinator(resuming: try! CoordinatorRecord(decoding: nodes[number].kept), key: nodes[number].key)
      effects = machine.resume(now: now)
      nodes[number].machine = .coordinator(machine)
    } else {
      var machine = try! RoundParticipant(resuming: try! ParticipantRecord(decoding: nodes[number].kept), offer: Self.offer, key: nodes[number].key, now: now)
      effects = machine.resume(now: now)
      nodes[number].machine = .participant(machine)
    }
    for effect in effects { carryOut(effect, number) }
  }

  // MARK: What is watched

  private mutating func note(_ number: Int) {
    switch nodes[number].machine {
    case .coordinator(let machine):
      if let result = machine.lastResult { finals[result.step, default: [:]][number] = result.result }
      if machine.isOver, ended[number] == nil { ended[number] = (machine.lastResult, .unspecified, machine.record.message) }
    case .participant(let machine):
      if machine.record.lastStep > 0 { finals[machine.record.lastStep, default: [:]][number] = machine.record.lastResult }
      if machine.isOver, ended[number] == nil { ended[number] = (machine.lastResult, .unspecified, machine.record.message) }
    case nil: break
    }
  }

  private mutating func observe(_ frame: Frame, _ number: Int) {
    guard frame.header.sender == nodes[number].key.publicKey else { return }
    if let commit = try? frame.message(WireUpdateCommit.self) { commitments["\(number)/\(commit.outerStep)", default: []].insert(commit.commitment) }
    if let vote = try? frame.message(WireAggregateVote.self) { votes["\(number)/\(vote.outerStep)", default: []].insert(Data(frame.payload)) }
  }

  /// Steps of which honest nodes hold different finals.
  var disagreements: [UInt32] {
    finals.filter { entry in Set(entry.value.filter { nodes[$0.key].isHonest }.map(\.value)).count > 1 }.map(\.key).sorted()
  }
}
