import Testing

@testable import CentramNode

@Suite struct DialRaceTests {
  private func candidate(_ text: String, relay: Bool = false) -> DialRace.Candidate { DialRace.Candidate(try! PeerAddress(text), isRelay: relay) }

  /// Runs a race: each address answers or fails after so many milliseconds; nil: never.
  private func run(_ candidates: [DialRace.Candidate], _ answers: [String: (after: UInt64, error: String?)], settings: DialRace.Settings = DialRace.Settings())
    -> (outcome: DialRace.Outcome?, dials: [(at: UInt64, host: String)], cancelled: [String])
  {
    var race = DialRace(candidates, settings: settings, now: 0), now: UInt64 = 0
    var dials: [(UInt64, String)] = [], cancelled: [String] = [], pending: [(at: UInt64, candidate: DialRace.Candidate, error: String?)] = []
    while now < 60_000 {
      for action in race.poll(at: now) {
        switch action {
        case .dial(let candidate):
          dials.append((now, candidate.address.host))
          if let answer = answers[candidate.address.host] { pending.append((now + answer.after, candidate, answer.error)) }
        case .cancel(let candidate): cancelled.append(candidate.address.host)
        }
      }
      let times = [race.deadline, pending.map(\.at).min()].compactMap { $0 }
      guard race.outcome == nil, let next = times.min() else { break }
      now = max(now, next)
      for result in pending where result.at <= now {
        if let error = result.error { race.failed(result.candidate, error, at: now) } else { race.connected(result.candidate, at: now) }
      }
      pending.removeAll { $0.at <= now }
    }
    for action in race.poll(at: now) { if case .cancel(let candidate) = action { cancelled.append(candidate.address.host) } }
    return (race.outcome, dials, cancelled)
  }

  @Test func dialsStart250MillisecondsApart() {
    let result = run((1...4).map { candidate("quic://192.0.2.\($0):1") }, [:])
    #expect(result.dials.map(\.at) == [0, 250, 500, 750])
    #expect(result.outcome == .failed(reason: "no answer in 15 s") && result.cancelled.count == 4)
  }

  @Test func theFirstThatAnswersWinsAndTheOthersAreCancelled() {
    let result = run((1...3).map { candidate("quic://192.0.2.\($0):1") }, ["192.0.2.1": (900, nil), "192.0.2.2": (100, nil)])
    #expect(result.outcome == .connected(candidate("quic://192.0.2.2:1"), reason: "quic answered first of 2 addresses, in 350 ms"))
    #expect(result.cancelled == ["192.0.2.1"] && result.dials.count == 2)
  }

  @Test func aFailureStartsTheNextAtOnce() {
    let result = run((1...2).map { candidate("quic://192.0.2.\($0):1") }, ["192.0.2.1": (10, "refused"), "192.0.2.2": (5, nil)])
    #expect(result.dials.map(\.at) == [0, 10])
  }

  @Test func familiesTakeTurns() {
    let result = run(["quic://[2001:db8::1]:1", "quic://[2001:db8::2]:1", "quic://192.0.2.1:1", "tcp://192.0.2.2:1"].map { candidate($0) }, [:])
    #expect(result.dials.map(\.host) == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"])
  }

  @Test func aRelayWaitsForDirectAddressesAndSaysWhyItWasTaken() {
    let relay = candidate("quic://198.51.100.1:1", relay: true), direct = candidate("quic://192.0.2.1:1")
    let slow = run([relay, direct], ["198.51.100.1": (20, nil)])
    #expect(slow.dials.map(\.at) == [0, 1_500] && slow.dials.last?.host == "198.51.100.1")
    #expect(slow.outcome == .connected(relay, reason: "relay: quic://192.0.2.1:1: no answer in 1520 ms"))
    let refused = run([relay, direct], ["192.0.2.1": (30, "connection refused"), "198.51.100.1": (20, nil)])
    #expect(refused.dials.map(\.at) == [0, 30])
    #expect(refused.outcome == .connected(relay, reason: "relay: quic://192.0.2.1:1: connection refused"))
    #expect(run([relay], ["198.51.100.1": (20, nil)]).outcome == .connected(relay, reason: "relay: no direct address is known"))
    // A direct answer that comes before the relay's wins.
    #expect(run([relay, direct], ["192.0.2.1": (1_400, nil), "198.51.100.1": (20, nil)]).outcome == .connected(direct, reason: "quic answered in 1400 ms"))
  }

  @Test func whenAllFailTheReasonsAreTold() {
    let result = run((1...2).map { candidate("quic://192.0.2.\($0):1") }, ["192.0.2.1": (10, "refused"), "192.0.2.2": (20, "wrong key")])
    #expect(result.outcome == .failed(reason: "every address failed: quic://192.0.2.1:1: refused; quic://192.0.2.2:1: wrong key"))
    #expect(run([], [:]).outcome == .failed(reason: "no address is known"))
  }

  @Test func atMostEightAtATimeAndEachOnce() {
    let many = (1...12).map { candidate("quic://192.0.2.\($0):1") }
    #expect(run(many + many, [:]).dials.count == 8)
    let failing = Dictionary(uniqueKeysWithValues: (1...12).map { ("192.0.2.\($0)", (after: UInt64(3_000), error: Optional("refused"))) })
    #expect(run(many, failing).dials.count == 12)
  }
}
