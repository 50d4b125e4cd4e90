import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct ReachabilityTests {
  static let second: UInt64 = 1_000_000_000
  private func network(_ number: Int) -> NetworkPrefix { NetworkPrefix(IPAddress("203.0.\(number).1")!) }
  private func address(_ text: String) -> PeerAddress { try! PeerAddress(text) }
  private func nonce(_ number: Int) -> [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) } }

  /// Asks a peer of a network and has it answer.
  @discardableResult private func ask(_ reachability: inout Reachability, network number: Int, peer: Int = 1, _ outcome: WireDialOutcome, now: UInt64 = 0) -> Bool {
    let key = RelayServerTests.key(peer), nonce = nonce(number &* 1_000 &+ peer &+ Int(truncatingIfNeeded: now))
    guard reachability.ask(key, candidates: [address("quic://198.51.100.1:9741")], nonce: nonce, now: now) != nil else { return false }
    var answer = WireObservedAddress()
    (answer.step, answer.nonce) = (.dialResult, Data(nonce))
    answer.results = [DialBackServer.result("quic://198.51.100.1:9741", outcome)]
    return reachability.heard(answer, from: key, in: network(number), now: now)
  }

  @Test func threeNetworksMakeItPublicAndTwoDoNot() {
    var reachability = Reachability()
    ask(&reachability, network: 1, .reached)
    ask(&reachability, network: 2, .reached)
    #expect(reachability.verdict == .unknown)
    ask(&reachability, network: 3, .reached)
    #expect(reachability.verdict == .public)
  }

  @Test func manyPeersOfOneNetworkHaveOneVoice() {
    var reachability = Reachability()
    for peer in 1...20 { #expect(ask(&reachability, network: 1, peer: peer, .timedOut)) }
    #expect(reachability.verdict == .unknown)
  }

  @Test func theVerdictStaysUntilThreeNetworksAndTheMostSayOtherwise() {
    var reachability = Reachability()
    for number in 1...3 { ask(&reachability, network: number, .reached) }
    for number in 4...5 { ask(&reachability, network: number, .timedOut) }
    #expect(reachability.verdict == .public)
    ask(&reachability, network: 6, .refused)
    #expect(reachability.verdict == .public, "three against three is no majority")
    ask(&reachability, network: 7, .wrongPeer)
    #expect(reachability.verdict == .private)
    // And back.
    for number in 8...9 { ask(&reachability, network: number, .reached) }
    #expect(reachability.verdict == .public, "five of nine")
  }

  @Test func whatWasNotTriedSaysNothing() {
    var reachability = Reachability()
    for number in 1...5 { #expect(!ask(&reachability, network: number, .notTried)) }
    #expect(reachability.verdict == .unknown)
  }

  @Test func onlyAnswersToQuestionsCountAndOnce() {
    var reachability = Reachability()
    let peer = RelayServerTests.key(1), other = RelayServerTests.key(2)
    #expect(reachability.ask(peer, candidates: [address("quic://198.51.100.1:1")], nonce: nonce(1), now: 0)?.candidates == ["quic://198.51.100.1:1"])
    var answer = WireObservedAddress()
    (answer.step, answer.nonce, answer.results) = (.dialResult, Data(nonce(1)), [DialBackServer.result("quic://198.51.100.1:1", .reached)])
    #expect(reachability.heard(answer, from: other, in: network(1), now: 0) == false)
    #expect(reachability.heard(answer, from: peer, in: network(1), now: 0) == true)
    #expect(reachability.heard(answer, from: peer, in: network(2), now: 0) == false)
    _ = reachability.ask(peer, candidates: [address("quic://198.51.100.1:1")], nonce: nonce(2), now: 0)
    answer.nonce = Data(nonce(2))
    #expect(reachability.heard(answer, from: peer, in: network(2), now: 61 * Self.second) == false, "too late")
  }

  @Test func questionsStopAtTheirLimit() {
    var reachability = Reachability()
    let addresses = [address("quic://198.51.100.1:1")]
    for number in 1...16 { #expect(reachability.ask(RelayServerTests.key(1), candidates: addresses, nonce: nonce(number), now: 0) != nil) }
    #expect(reachability.ask(RelayServerTests.key(1), candidates: addresses, nonce: nonce(17), now: 0) == nil)
    #expect(reachability.ask(RelayServerTests.key(1), candidates: addresses, nonce: nonce(17), now: 61 * Self.second) != nil)
    #expect(reachability.ask(RelayServerTests.key(1), candidates: [], nonce: nonce(18), now: 61 * Self.second) == nil)
  }

  @Test func oldVoicesAreForgottenAndAnotherAddressForgetsAll() {
    var reachability = Reachability()
    for number in 1...3 { ask(&reachability, network: number, .reached) }
    reachability.expire(now: 3_600 * Self.second)
    #expect(reachability.verdict == .public)
    reachability.expire(now: 3_600 * Self.second + 1)
    #expect(reachability.verdict == .unknown)
    for number in 1...3 { ask(&reachability, network: number, .timedOut, now: 4_000 * Self.second) }
    #expect(reachability.verdict == .private)
    reachability.addressChanged()
    #expect(reachability.verdict == .unknown)
  }

  // MARK: Observed addresses

  @Test func anAddressCountsWhenTwoNetworksAgree() {
    var observed = ObservedAddresses()
    let seen = address("quic://198.51.100.1:4000")
    #expect(observed.heard(seen, from: network(1), now: 0) == true)
    #expect(observed.heard(seen, from: network(1), now: 1) == true)
    #expect(observed.confirmed(now: 1).isEmpty && observed.mapping(scheme: "quic", now: 1) == .unknown)
    observed.heard(seen, from: network(2), now: 2)
    #expect(observed.confirmed(now: 2) == [seen] && observed.mapping(scheme: "quic", now: 2) == .endpointIndependent)
    #expect(observed.confirmed(now: 1_801 * Self.second).isEmpty, "old voices are forgotten")
  }

  @Test func anotherPortForEachIsASymmetricRouterUnlessTwoAgree() {
    var observed = ObservedAddresses()
    observed.heard(address("quic://198.51.100.1:4000"), from: network(1), now: 0)
    observed.heard(address("quic://198.51.100.1:4001"), from: network(2), now: 0)
    #expect(observed.mapping(scheme: "quic", now: 0) == .endpointDependent && observed.confirmed(now: 0).isEmpty)
    // One liar among three.
    observed.heard(address("quic://198.51.100.1:4000"), from: network(3), now: 0)
    #expect(observed.mapping(scheme: "quic", now: 0) == .endpointIndependent)
    #expect(observed.mapping(scheme: "tcp", now: 0) == .unknown)
  }

  @Test func addressesThatNobodyCouldSeeAreNotTaken() {
    var observed = ObservedAddresses()
    for text in ["quic://127.0.0.1:1", "quic://169.254.1.1:1", "quic://[fe80::1]:1", "quic://224.0.0.1:1", "quic://0.0.0.0:1", "quic://router.example:1", "quic://198.51.100.1"] {
      #expect(observed.heard(address(text), from: network(1), now: 0) == false, "\(text)")
    }
  }

  @Test func voicesStopAtTheirLimitAndTheOldestGoes() {
    var observed = ObservedAddresses()
    let old = address("quic://198.51.100.1:1")
    observed.heard(old, from: network(0), now: 0)
    observed.heard(old, from: network(1), now: 1)
    for number in 2..<ObservedAddresses.capacity { observed.heard(address("quic://198.51.100.1:\(number)"), from: network(number), now: UInt64(number)) }
    #expect(observed.confirmed(now: 100) == [old])
    observed.heard(address("quic://198.51.100.1:99"), from: network(99), now: 100)
    #expect(observed.confirmed(now: 100).isEmpty)
  }
}
