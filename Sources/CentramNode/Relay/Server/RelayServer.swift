internal import Foundation
public import CentramWire

/// The relay's side of circuits: who may have one, and what it may carry. Pure: requests, streams and times go in, answers come out. The relay moves
/// bytes that the ends encrypted for each other and keeps none. Times are nanoseconds of one monotonic clock.
public struct RelayServer: Sendable {
  public let settings: RelaySettings
  public private(set) var counters = RelayCounters()
  private var reservations: [NodeKey: UInt64] = [:]
  private var circuits: [CircuitID: Circuit] = [:]
  private var requests: Allowances<NodeKey>
  private var total: Allowance

  public init(settings: RelaySettings, now: UInt64) {
    self.settings = settings
    requests = Allowances(perMinute: settings[.circuitRequestsPerPeerAndMinute])
    let rate = Double(settings[.relayBytesPerSecond])
    total = Allowance(perSecond: rate, burst: rate, now: now)
  }

  public var reservationCount: Int { reservations.count }
  public var circuitCount: Int { circuits.count }

  // MARK: Reservations

  /// A peer with a session wants to be reachable through this relay.
  /// - Parameter unixMilliseconds: the time by the calendar, for the answer.
  /// - Returns: the answer.
  public mutating func reserve(by peer: NodeKey, now: UInt64, unixMilliseconds: UInt64) -> WireRelayOpen {
    if let refusal = mayAsk(peer, now) { return refusal }
    if reservations[peer] == nil, reservations.count >= settings[.reservations] {
      reservations = reservations.filter { $0.value > now }
      guard reservations.count < settings[.reservations] else { return busy(.reservations, reservations.count) }
    }
    reservations[peer] = now + settings.nanoseconds(.reservationMilliseconds)
    counters.reservationsMade += 1
    var answer = WireRelayOpen()
    answer.step = .reserved
    answer.expiresMs = unixMilliseconds + UInt64(settings[.reservationMilliseconds])
    describeLimits(&answer)
    return answer
  }

  /// A peer's session ended, or it wants no more circuits.
  public mutating func forget(_ peer: NodeKey) { reservations[peer] = nil }

  // MARK: Circuits

  public enum Decision: Sendable {
    /// Answer the initiator so.
    case refuse(WireRelayOpen)
    /// Ask the target, then call `answered`.
    case ask(CircuitID, target: NodeKey, WireRelayOpen)
  }

  /// A peer with a session wants a circuit.
  /// - Parameter hasSession: whether there is a session with a peer now.
  public mutating func connect(_ message: WireRelayOpen, from initiator: NodeKey, now: UInt64, hasSession: (NodeKey) -> Bool) -> Decision {
    if let refusal = mayAsk(initiator, now) { return .refuse(refusal) }
    guard let id = CircuitID(message.circuit), let target = NodeKey(message.target), target != initiator, target != .anyone, circuits[id] == nil else {
      counters.notAllowed += 1
      return .refuse(Self.refusal(.notAllowed, "a circuit needs a name of 16 bytes that is not in use, and another node as its target"))
    }
    expire(now)
    guard let end = reservations[target], end > now else {
      counters.notAllowed += 1
      return .refuse(Self.refusal(.noReservation, "the target has no reservation at this relay", id))
    }
    guard hasSession(target) else {
      counters.notAllowed += 1
      return .refuse(Self.refusal(.targetGone, "the target has no session with this relay now", id))
    }
    guard circuits.count < settings[.circuits] else { return .refuse(busy(.circuits, circuits.count, id)) }
    for peer in [initiator, target] {
      let count = circuits.values.count { $0.has(peer) }
      guard count < settings[.circuitsPerPeer] else { return .refuse(busy(.circuitsPerPeer, count, id)) }
    }
    let rate = Double(settings[.circuitBytesPerSecond])
    circuits[id] = Circuit(
      initiator: initiator, target: target, asked: now, bytesLeft: settings[.circuitBytes], rate: Allowance(perSecond: rate, burst: rate, now: now))
    var question = WireRelayOpen()
    question.step = .incoming
    (question.circuit, question.initiator, question.target) = (Data(id.bytes), Data(initiator.bytes), Data(target.bytes))
    describeLimits(&question)
    return .ask(id, target: target, question)
  }

  /// The target answered, or did not.
  /// - Parameter answer: nil: it is gone, or said nothing in time.
  /// - Returns: what the initiator gets.
  public mutating func answered(_ id: CircuitID, _ answer: WireRelayOpen?, now: UInt64) -> WireRelayOpen {
    guard let circuit = circuits[id], circuit.state == .asked else { return Self.refusal(.timeSpent, "the circuit is not there any more", id) }
    guard let answer else {
      circuits[id] = nil
      return Self.refusal(.targetGone, "the target did not answer", id)
    }
    guard answer.step == .accepted, CircuitID(answer.circuit) == id else {
      circuits[id] = nil
      return Self.refusal(.targetRefused, "the target does not want the circuit", id)
    }
    circuits[id]?.state = .accepted
    var reply = WireRelayOpen()
    reply.step = .accepted
    (reply.circuit, reply.initiator, reply.target) = (Data(id.bytes), Data(circuit.initiator.bytes), Data(circuit.target.bytes))
    describeLimits(&reply)
    return reply
  }

  public enum Join: Sendable, Equatable {
    /// The other end's stream is not there yet.
    case wait
    /// Both are there: bytes may flow.
    case open
    /// No circuit of this peer, or its stream is there already.
    case refused
  }

  /// A peer opened a stream for a circuit.
  public mutating func join(_ id: CircuitID, by peer: NodeKey, now: UInt64) -> Join {
    expire(now)
    // The target's stream may be here before its answer.
    guard var circuit = circuits[id], circuit.state == .accepted || (circuit.state == .asked && peer == circuit.target), circuit.has(peer),
      circuit.joined.insert(peer).inserted
    else {
      counters.strayStreams += 1
      return .refused
    }
    if circuit.joined.count == 2 {
      circuit.state = .open
      counters.circuitsOpened += 1
    }
    circuits[id] = circuit
    return circuit.state == .open ? .open : .wait
  }

  public enum Verdict: Sendable, Equatable {
    case carry
    /// Ask again after so many nanoseconds.
    case wait(UInt64)
    case end(WireRelayRefusal)
  }

  /// Whether so many bytes may be carried now. `.carry` counts them.
  public mutating func carry(_ count: Int, on id: CircuitID, now: UInt64) -> Verdict {
    guard let circuit = circuits[id], circuit.state == .open else { return .end(.notAllowed) }
    guard now - circuit.asked <= settings.nanoseconds(.circuitMilliseconds) else {
      counters.reached(.circuitMilliseconds)
      return .end(.timeSpent)
    }
    guard count <= circuit.bytesLeft else {
      counters.reached(.circuitBytes)
      return .end(.bytesSpent)
    }
    let own = circuits[id]?.rate.wait(now: now) ?? 0
    if own > 0 {
      counters.reached(.circuitBytesPerSecond)
      return .wait(own)
    }
    let all = total.wait(now: now)
    if all > 0 {
      counters.reached(.relayBytesPerSecond)
      return .wait(all)
    }
    circuits[id]?.rate.spend(count)
    circuits[id]?.bytesLeft -= count
    total.spend(count)
    counters.bytesCarried += UInt64(count)
    return .carry
  }

  /// When an open circuit's time is over.
  public func end(of id: CircuitID) -> UInt64? { circuits[id].map { $0.asked + settings.nanoseconds(.circuitMilliseconds) } }

  /// A circuit ended: a stream of it is gone, or `carry` said so.
  public mutating func close(_ id: CircuitID) {
    if let circuit = circuits.removeValue(forKey: id), circuit.state == .open { counters.circuitsEnded += 1 }
  }

  /// Circuits that never came to be are forgotten.
  public mutating func expire(_ now: UInt64) {
    let limit = settings.nanoseconds(.circuitOpeningMilliseconds)
    for (id, circuit) in circuits where circuit.state != .open && now - min(now, circuit.asked) > limit {
      counters.reached(.circuitOpeningMilliseconds)
      circuits[id] = nil
    }
  }

  // MARK: Answers

  private mutating func mayAsk(_ peer: NodeKey, _ now: UInt64) -> WireRelayOpen? {
    guard settings.isOpen else {
      counters.notAllowed += 1
      return Self.refusal(.notAllowed, "this node is no relay")
    }
    guard requests.take(peer, now: now) else { return busy(.circuitRequestsPerPeerAndMinute, settings[.circuitRequestsPerPeerAndMinute]) }
    return nil
  }

  private mutating func busy(_ limit: RelayLimit, _ count: Int, _ id: CircuitID? = nil) -> WireRelayOpen {
    counters.reached(limit)
    return Self.refusal(.busy, "\(count) are in use; \(limit.rawValue) is \(settings[limit])", id)
  }

  private func describeLimits(_ message: inout WireRelayOpen) {
    message.maximumBytes = UInt64(settings[.circuitBytes])
    message.maximumMs = UInt32(clamping: min(settings[.circuitMilliseconds], 86_400_000))
    message.bytesPerSecond = UInt64(settings[.circuitBytesPerSecond])
  }

  static func refusal(_ reason: WireRelayRefusal, _ sentence: String, _ id: CircuitID? = nil) -> WireRelayOpen {
    var message = WireRelayOpen()
    (message.step, message.reason, message.message) = (.refused, reason, sentence)
    if let id { message.circuit = Data(id.bytes) }
    return message
  }
}
