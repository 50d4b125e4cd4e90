internal import Foundation
public import CentramWire

/// Two nodes that a relay joins dial each other at one moment, so that each one's packets open its own router for the other's. As in libp2p's DCUtR
/// (Seemann, Inden, Vyzovitis: Decentralized Hole Punching, 2022): the end that was dialled through the relay coordinates. It measures the round trip with
/// its question, tells the other to begin, which takes half a round trip, and begins itself after that half. Pure: messages, results and times
/// (nanoseconds) go in, actions come out.
public struct HolePunch: Sendable {
  public enum Role: Sendable { case coordinator, follower }

  public struct Settings: Sendable {
    public var attempts = RelayLimit.punchAttempts.standard
    /// Addresses of the other end that one try dials.
    public var candidates = RelayLimit.punchCandidates.standard
    /// How long an answer may take, and how long the dials of one try have.
    public var answerMilliseconds = 10_000, dialMilliseconds = 4_000
    /// What reaches less far is not dialled: an address behind the other's router could be anybody here.
    public var reach = IPAddress.Reach.world
    public init() {}
  }

  public enum Action: Sendable, Equatable {
    case send(WireHolePunchSync)
    /// Dial all of them, at this time, from the socket that listens.
    case dial([PeerAddress], at: UInt64)
    /// It is over.
    case finished(connected: Bool, reason: String)
  }

  private enum State: Sendable, Equatable {
    case new, asked(UInt64), waiting(UInt64), dialling(UInt64), done
  }

  public let role: Role
  public let circuit: CircuitID
  private let settings: Settings, own: [PeerAddress]
  private var nonce: [UInt8], state = State.new, attempt: UInt32 = 0
  private var theirs: [PeerAddress] = []
  /// Nanoseconds, over the relay and back.
  public private(set) var roundTrip: UInt64?

  /// - Parameters:
  ///   - own: where others see this node.
  ///   - nonce: coordinator: 16 random bytes; the follower takes the coordinator's.
  public init(_ role: Role, circuit: CircuitID, own: [PeerAddress], nonce: [UInt8] = [], settings: Settings = Settings(), now: UInt64) {
    (self.role, self.circuit, self.own, self.nonce, self.settings) = (role, circuit, Array(own.prefix(8)), nonce, settings)
    if role == .follower { state = .waiting(now) }
  }

  public var isDone: Bool { state == .done }

  /// When `poll` is due.
  public var deadline: UInt64? {
    switch state {
    case .new, .done: nil
    case .asked(let since), .waiting(let since): since + UInt64(settings.answerMilliseconds) * 1_000_000
    case .dialling(let start): start + UInt64(settings.dialMilliseconds) * 1_000_000
    }
  }

  /// Coordinator: begins.
  public mutating func start(now: UInt64) -> [Action] {
    guard role == .coordinator, state == .new else { return [] }
    guard !own.isEmpty else { return finish(false, "no peer told this node its address") }
    return ask(now)
  }

  private mutating func ask(_ now: UInt64) -> [Action] {
    attempt += 1
    state = .asked(now)
    return [.send(message(.connect, candidates: own))]
  }

  /// The other end says something.
  public mutating func receive(_ message: WireHolePunchSync, now: UInt64) -> [Action] {
    guard state != .done, CircuitID(message.circuit) == circuit, message.nonce.count == 16 else { return [] }
    if message.step == .connect, role == .follower { return answer(message, now) }
    guard Array(message.nonce) == nonce, message.attempt == attempt else { return [] }
    switch (message.step, role, state) {
    case (.candidates, .coordinator, .asked(let since)):
      theirs = usable(message.candidates)
      guard !theirs.isEmpty else { return finish(false, "the other end has no address that can be dialled from here") }
      let trip = now - min(now, since)
      roundTrip = trip
      state = .dialling(now + trip / 2)
      return [.send(self.message(.sync)), .dial(theirs, at: now + trip / 2)]
    case (.sync, .follower, .waiting):
      guard !theirs.isEmpty else { return finish(false, "the other end has no address that can be dialled from here") }
      roundTrip = message.roundTripUs * 1_000
      state = .dialling(now)
      return [.dial(theirs, at: now)]
    case (.result, _, _):
      return message.connected ? finish(true, "the other end got through") : role == .coordinator ? [] : finish(false, "the other end gave up")
    default: return []
    }
  }

  private mutating func answer(_ message: WireHolePunchSync, _ now: UInt64) -> [Action] {
    // A new question begins a new try; an old one or one too many is not answered.
    guard message.attempt > attempt, message.attempt <= UInt32(settings.attempts) else { return [] }
    (nonce, attempt, theirs) = (Array(message.nonce), message.attempt, usable(message.candidates))
    state = .waiting(now)
    return [.send(self.message(.candidates, candidates: own))]
  }

  /// A direct connection stands, dialled from here or from there.
  public mutating func connected() -> [Action] {
    guard state != .done else { return [] }
    var result = message(.result)
    result.connected = true
    return [.send(result)] + finish(true, "try \(attempt) got through")
  }

  /// The time of an answer or of the dials is over.
  public mutating func poll(now: UInt64) -> [Action] {
    guard let deadline, now >= deadline else { return [] }
    switch state {
    case .dialling where role == .coordinator && attempt < UInt32(settings.attempts): return ask(now)
    case .dialling where role == .coordinator: return [.send(message(.result))] + finish(false, "\(attempt) tries got no answer")
    case .dialling:
      // The coordinator may try again.
      state = .waiting(now)
      return []
    default: return finish(false, "the other end did not answer over the relay")
    }
  }

  private mutating func finish(_ connected: Bool, _ reason: String) -> [Action] {
    state = .done
    return [.finished(connected: connected, reason: reason)]
  }

  private func message(_ step: WirePunchStep, candidates: [PeerAddress] = []) -> WireHolePunchSync {
    var message = WireHolePunchSync()
    (message.step, message.circuit, message.nonce) = (step, Data(circuit.bytes), Data(nonce))
    (message.candidates, message.attempt) = (candidates.map(\.description), attempt)
    message.roundTripUs = min((roundTrip ?? 0) / 1_000, 60_000_000)
    return message
  }

  /// Addresses in numbers with a port, of transports that punch: only over UDP do both ends' packets open the way. One host of each family, so that the
  /// other end cannot have this node dial around for it.
  private func usable(_ texts: [String]) -> [PeerAddress] {
    var seen: Set<PeerAddress> = [], hosts: [Bool: IPAddress] = [:], result: [PeerAddress] = []
    for case let address? in texts.prefix(8).map({ try? PeerAddress($0) }) {
      guard address.scheme == "quic", address.port > 0, let ip = address.ip, ip.reach >= settings.reach, seen.insert(address).inserted else { continue }
      guard hosts[ip.isIPv4, default: ip] == ip else { continue }
      hosts[ip.isIPv4] = ip
      result.append(address)
    }
    return Array(result.prefix(settings.candidates))
  }
}
