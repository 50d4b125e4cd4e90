/// In which order and when a peer's addresses are dialled, and what won. Direct addresses go first, 250 milliseconds apart; relays follow when they have
/// had their chance. Pure: times and results go in, dials come out. Times are milliseconds of any one clock. After RFC 8305.
public struct DialRace: Sendable {
  public struct Settings: Sendable {
    /// Between two dials.
    public var stagger: UInt64 = 250
    /// How long direct dials have before the first relay is tried, if none has failed for good sooner.
    public var relayDelay: UInt64 = 1_500
    /// For the whole race.
    public var limit: UInt64 = 15_000
    /// Dials at one time.
    public var parallel = 8
    public init() {}
  }

  public struct Candidate: Hashable, Sendable {
    public var address: PeerAddress
    /// Through this relay.
    public var isRelay: Bool
    public init(_ address: PeerAddress, isRelay: Bool = false) { (self.address, self.isRelay) = (address, isRelay) }
  }

  public enum Action: Equatable, Sendable {
    case dial(Candidate)
    /// Another was faster, or the time is over.
    case cancel(Candidate)
  }

  /// How it ended.
  public enum Outcome: Equatable, Sendable {
    /// With why this way, as `peers` shows it.
    case connected(Candidate, reason: String)
    case failed(reason: String)
  }

  private enum State { case waiting, dialling, failed(String), cancelled }

  private let settings: Settings
  private var states: [(candidate: Candidate, state: State)]
  private let begun: UInt64
  private var next: UInt64
  private var actions: [Action] = []
  public private(set) var outcome: Outcome?

  /// - Parameters:
  ///   - candidates: the best first; order among direct ones alternates between IPv6 and IPv4 where both are there.
  public init(_ candidates: [Candidate], settings: Settings = Settings(), now: UInt64) {
    var seen: Set<Candidate> = []
    let unique = candidates.filter { seen.insert($0).inserted }
    states = (Self.alternating(unique.filter { !$0.isRelay }) + unique.filter(\.isRelay)).map { ($0, .waiting) }
    (self.settings, begun, next) = (settings, now, now)
    if states.isEmpty { outcome = .failed(reason: "no address is known") }
  }

  /// When `poll` is due; nil when the race is over.
  public var deadline: UInt64? {
    guard outcome == nil else { return actions.isEmpty ? nil : begun }
    var times = [begun + settings.limit]
    if let index = nextIndex, dialling < settings.parallel { times.append(start(of: index)) }
    return times.min()
  }

  /// What is to be done now.
  public mutating func poll(at now: UInt64) -> [Action] {
    while outcome == nil, let index = nextIndex, dialling < settings.parallel, start(of: index) <= now {
      states[index].state = .dialling
      next = now + settings.stagger
      actions.append(.dial(states[index].candidate))
    }
    if outcome == nil, now >= begun + settings.limit {
      outcome = .failed(reason: "no answer in \(settings.limit / 1000) s\(failures)")
      cancelAll()
    }
    defer { actions = [] }
    return actions
  }

  /// A dial reached the peer and its key was right.
  public mutating func connected(_ candidate: Candidate, at now: UInt64) {
    guard outcome == nil, let index = index(of: candidate) else { return }
    outcome = .connected(candidate, reason: reason(for: index, now))
    states[index].state = .cancelled
    cancelAll()
  }

  /// A dial failed: the next need not wait for its turn.
  public mutating func failed(_ candidate: Candidate, _ reason: String, at now: UInt64) {
    guard outcome == nil, let index = index(of: candidate) else { return }
    states[index].state = .failed(reason)
    next = min(next, now)
    if states.allSatisfy({ if case .failed = $0.state { true } else { false } }) {
      outcome = .failed(reason: "every address failed\(failures)")
    }
  }
}

extension DialRace {
  private var dialling: Int { states.count { if case .dialling = $0.state { true } else { false } } }
  private var nextIndex: Int? { states.firstIndex { if case .waiting = $0.state { true } else { false } } }
  private func index(of candidate: Candidate) -> Int? {
    states.firstIndex { entry in
      guard entry.candidate == candidate, case .dialling = entry.state else { return false }
      return true
    }
  }

  /// A relay waits until the direct ones had time, or all failed.
  private func start(of index: Int) -> UInt64 {
    let direct = states.filter { !$0.candidate.isRelay }
    guard states[index].candidate.isRelay, !direct.isEmpty else { return next }
    let open = direct.contains { if case .failed = $0.state { false } else { true } }
    return open ? max(next, begun + settings.relayDelay) : next
  }

  private mutating func cancelAll() {
    for index in states.indices {
      switch states[index].state {
      case .dialling: actions.append(.cancel(states[index].candidate))
      case .waiting, .failed, .cancelled: continue
      }
      states[index].state = .cancelled
    }
  }

  private func reason(for index: Int, _ now: UInt64) -> String {
    let candidate = states[index].candidate
    let direct = states.filter { !$0.candidate.isRelay }
    if !candidate.isRelay {
      let tried = direct.count { if case .waiting = $0.state { false } else { true } }
      return tried <= 1 ? "\(candidate.address.scheme) answered in \(now - begun) ms" : "\(candidate.address.scheme) answered first of \(tried) addresses, in \(now - begun) ms"
    }
    if direct.isEmpty { return "relay: no direct address is known" }
    let reasons = direct.map { entry in
      switch entry.state {
      case .failed(let reason): "\(entry.candidate.address): \(reason)"
      case .dialling: "\(entry.candidate.address): no answer in \(now - begun) ms"
      case .waiting, .cancelled: "\(entry.candidate.address): not tried"
      }
    }
    return "relay: " + reasons.prefix(4).joined(separator: "; ")
  }

  private var failures: String {
    let list = states.compactMap { entry in if case .failed(let reason) = entry.state { "\(entry.candidate.address): \(reason)" } else { nil } }
    return list.isEmpty ? "" : ": " + list.prefix(4).joined(separator: "; ")
  }

  /// IPv6 and IPv4 in turn, beginning with the family of the first (RFC 8305, section 4); in each family transports keep their order.
  private static func alternating(_ candidates: [Candidate]) -> [Candidate] {
    guard let first = candidates.first else { return [] }
    let isFirst = { (candidate: Candidate) in (candidate.address.ip?.isIPv4 ?? true) == (first.address.ip?.isIPv4 ?? true) }
    let groups = [candidates.filter(isFirst), candidates.filter { !isFirst($0) }]
    return (0..<candidates.count).flatMap { index in groups.compactMap { index < $0.count ? $0[index] : nil } }
  }
}
