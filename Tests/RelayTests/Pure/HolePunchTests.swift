import CentramWire
import Testing

@testable import CentramNode

@Suite struct HolePunchTests {
  static let millisecond: UInt64 = 1_000_000
  private let circuit = RelayServerTests.id(1)
  private let nonce = [UInt8](repeating: 4, count: 16)
  private let a = try! PeerAddress("quic://198.51.100.1:1001"), b = try! PeerAddress("quic://203.0.113.1:1002")

  /// Two ends and the relay between them, in virtual time.
  private struct Ends {
    var ends: [HolePunch]
    var now: UInt64 = 0
    var onTheWay: [(at: UInt64, to: Int, message: WireHolePunchSync)] = []
    var dials: [(end: Int, at: UInt64, addresses: [PeerAddress])] = []
    var finished: [Int: (connected: Bool, reason: String)] = [:]
    var random: SplitMix64
    /// One way, from and to.
    let delay: @Sendable (Int, inout SplitMix64) -> UInt64
    var lost: (WireHolePunchSync) -> Bool = { _ in false }

    mutating func take(_ actions: [HolePunch.Action], of end: Int) {
      for action in actions {
        switch action {
        case .send(let message): if !lost(message) { onTheWay.append((now + delay(end, &random), 1 - end, message)) }
        case .dial(let addresses, let at): dials.append((end, at, addresses))
        case .finished(let connected, let reason): finished[end] = (connected, reason)
        }
      }
    }

    /// Runs until nothing more happens.
    /// - Parameter connects: whether a try in which both dialled so far apart (nanoseconds) gets through.
    mutating func run(connects: (UInt64) -> Bool) {
      take(ends[0].start(now: now), of: 0)
      for _ in 0..<200 {
        let next = [onTheWay.map(\.at).min(), ends[0].deadline, ends[1].deadline].compactMap { $0 }.min()
        guard let next else { return }
        now = max(now, next)
        let arrived = onTheWay.filter { $0.at <= now }.sorted { $0.at < $1.at }
        onTheWay.removeAll { $0.at <= now }
        for entry in arrived { take(ends[entry.to].receive(entry.message, now: now), of: entry.to) }
        if let first = dials.last(where: { $0.end == 0 }), let second = dials.last(where: { $0.end == 1 }), now >= max(first.at, second.at),
          connects(max(first.at, second.at) - min(first.at, second.at)), finished.isEmpty
        {
          for end in 0...1 { take(ends[end].connected(), of: end) }
        }
        for end in 0...1 { take(ends[end].poll(now: now), of: end) }
      }
      Issue.record("it does not end")
    }
  }

  private func ends(seed: UInt64 = 1, delay: @escaping @Sendable (Int, inout SplitMix64) -> UInt64 = { _, _ in 40_000_000 }) -> Ends {
    Ends(
      ends: [
        HolePunch(.coordinator, circuit: circuit, own: [a], nonce: nonce, now: 0),
        HolePunch(.follower, circuit: circuit, own: [b], now: 0),
      ], random: SplitMix64(state: seed), delay: delay)
  }

  @Test func bothDialAtOneMoment() {
    var ends = ends()
    ends.run { _ in true }
    #expect(ends.ends[0].roundTrip == 80 * Self.millisecond)
    #expect(ends.dials.map(\.addresses) == [[b], [a]] && ends.dials.map(\.at) == [120 * Self.millisecond, 120 * Self.millisecond])
    #expect(ends.finished[0]?.connected == true && ends.finished[1]?.connected == true)
  }

  @Test(arguments: 1...100) func apartByAtMostHalfTheDifferenceOfTheWays(seed: UInt64) {
    var ends = ends(seed: seed) { _, random in .random(in: 5_000_000...300_000_000, using: &random) }
    ends.run { _ in true }
    guard ends.dials.count == 2 else {
      Issue.record("seed \(seed): \(ends.dials.count) dials")
      return
    }
    let apart = max(ends.dials[0].at, ends.dials[1].at) - min(ends.dials[0].at, ends.dials[1].at)
    #expect(apart <= 295 * Self.millisecond, "seed \(seed): \(apart)")
  }

  @Test func threeTriesAndNotFour() {
    var ends = ends()
    ends.run { _ in false }
    #expect(ends.dials.count == 6)
    #expect(ends.finished[0].map { $0.connected ? "" : $0.reason } == "3 tries got no answer" && ends.finished[1]?.connected == false)
    #expect(ends.ends.map(\.isDone) == [true, true])
  }

  @Test func theSecondTryMayGetThrough() {
    var ends = ends(), tries = 0
    ends.run { _ in
      tries += 1
      return tries > 20
    }
    #expect(ends.ends.map(\.isDone) == [true, true])
  }

  @Test func silenceOverTheRelayEndsIt() {
    var ends = ends()
    ends.lost = { $0.step == .candidates }
    ends.run { _ in true }
    #expect(ends.finished[0]?.connected == false && ends.dials.isEmpty && ends.ends.allSatisfy(\.isDone))
  }

  @Test func whoKnowsNoAddressOfItsOwnDoesNotBegin() {
    var punch = HolePunch(.coordinator, circuit: circuit, own: [], nonce: nonce, now: 0)
    #expect(punch.start(now: 0) == [.finished(connected: false, reason: "no peer told this node its address")])
  }

  @Test func oneHostOfEachFamilyIsDialledAndNothingNearer() {
    var punch = HolePunch(.follower, circuit: circuit, own: [b], now: 0)
    var message = WireHolePunchSync()
    (message.step, message.circuit, message.nonce, message.attempt) = (.connect, .init(circuit.bytes), .init(nonce), 1)
    message.candidates = [
      "quic://10.0.0.1:22", "quic://127.0.0.1:22", "quic://victim.example:9741", "quic://198.51.100.1:1", "quic://198.51.100.2:1", "quic://[2001:db8::1]:1", "tcp://198.51.100.1:9",
      "quic://198.51.100.1:2",
    ]
    #expect(punch.receive(message, now: 0).count == 1)
    message.step = .sync
    #expect(punch.receive(message, now: 5) == [.dial(["quic://198.51.100.1:1", "quic://[2001:db8::1]:1", "quic://198.51.100.1:2"].map { try! PeerAddress($0) }, at: 5)])
  }

  @Test func fourCandidatesAreDialledAndNotFive() {
    var punch = HolePunch(.follower, circuit: circuit, own: [b], now: 0)
    var message = WireHolePunchSync()
    (message.step, message.circuit, message.nonce, message.attempt) = (.connect, .init(circuit.bytes), .init(nonce), 1)
    message.candidates = (1...5).map { "quic://198.51.100.1:\($0)" }
    _ = punch.receive(message, now: 0)
    message.step = .sync
    guard case .dial(let addresses, _)? = punch.receive(message, now: 5).first else {
      Issue.record("no dial")
      return
    }
    #expect(addresses.map(\.port) == [1, 2, 3, 4])
  }

  @Test func messagesOfOthersAndOldOnesChangeNothing() {
    var punch = HolePunch(.follower, circuit: circuit, own: [b], now: 0)
    var message = WireHolePunchSync()
    (message.step, message.circuit, message.nonce, message.attempt, message.candidates) = (.connect, .init(RelayServerTests.id(2).bytes), .init(nonce), 1, [a.description])
    #expect(punch.receive(message, now: 0).isEmpty, "another circuit")
    message.circuit = .init(circuit.bytes)
    message.attempt = 4
    #expect(punch.receive(message, now: 0).isEmpty, "a fourth try")
    message.attempt = 1
    #expect(punch.receive(message, now: 0).count == 1)
    #expect(punch.receive(message, now: 0).isEmpty, "the same try again")
    message.step = .sync
    message.nonce = .init(repeating: 5, count: 16)
    #expect(punch.receive(message, now: 0).isEmpty, "another nonce")
  }
}
