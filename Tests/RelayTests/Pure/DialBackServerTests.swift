import CentramWire
import Testing

@testable import CentramNode

@Suite struct DialBackServerTests {
  static let minute: UInt64 = 60_000_000_000
  private let source = IPAddress("198.51.100.7")!

  private func server(_ limits: [RelayLimit: Int] = [:]) -> DialBackServer { DialBackServer(settings: RelaySettings(limits: limits), now: 0) }

  private func plan(_ server: inout DialBackServer, _ candidates: [String], peer: Int = 1, source: IPAddress?, now: UInt64 = 0) -> DialBackServer.Plan {
    server.plan(candidates, from: RelayServerTests.key(peer), source: source, schemes: ["quic", "tcp"], now: now)
  }

  @Test func onlyTheAskersOwnSourceIsDialled() {
    var server = server()
    let others = [
      "quic://198.51.100.8:9741", "quic://[2001:db8::1]:9741", "quic://victim.example:9741", "quic://127.0.0.1:9741", "quic://224.0.0.1:9741", "http://198.51.100.7:80",
      "quic://198.51.100.7", "nonsense", "tcp://198.51.100.7:1/path",
    ]
    let plan = plan(&server, others + ["quic://198.51.100.7:9741", "quic://198.51.100.7:9741"], source: source)
    #expect(plan.dials.map(\.description) == ["quic://198.51.100.7:9741"])
    #expect(plan.results.map(\.url) == others && plan.results.allSatisfy { $0.outcome == .notTried } && plan.reached == nil)
  }

  @Test func nothingIsDialledWhereTheSourceIsNotKnown() {
    var server = server()
    let plan = plan(&server, ["quic://198.51.100.7:9741"], source: nil)
    #expect(plan.dials.isEmpty && plan.results.map(\.outcome) == [.notTried])
  }

  @Test func anIPv4SourceInIPv6ClothesIsTheSame() {
    var server = server()
    #expect(plan(&server, ["quic://198.51.100.7:9741"], source: IPAddress("::ffff:198.51.100.7")).dials.count == 1)
  }

  @Test func aPeerAsksTwiceAMinuteAndNotThrice() {
    var server = server()
    let candidates = ["quic://198.51.100.7:9741"]
    for _ in 1...2 { #expect(plan(&server, candidates, source: source).dials.count == 1) }
    let third = plan(&server, candidates, source: source)
    #expect(third.dials.isEmpty && third.reached == .dialBacksPerPeerAndMinute && third.results.count == 1)
    #expect(server.counters[.dialBacksPerPeerAndMinute] == 1)
    #expect(plan(&server, candidates, source: source, now: Self.minute / 2).dials.count == 1)
  }

  @Test func aNetworkAsksSoOftenWhateverItsKeys() {
    var server = server([.dialBacksPerPrefixAndMinute: 3])
    for peer in 1...3 { #expect(plan(&server, ["quic://198.51.100.\(peer):1"], peer: peer, source: IPAddress("198.51.100.\(peer)")).dials.count == 1) }
    #expect(plan(&server, ["quic://198.51.100.4:1"], peer: 4, source: IPAddress("198.51.100.4")).reached == .dialBacksPerPrefixAndMinute)
    #expect(plan(&server, ["quic://198.51.101.4:1"], peer: 4, source: IPAddress("198.51.101.4")).dials.count == 1)
  }

  @Test func allTogetherAskSoOften() {
    var server = server([.dialBacksPerMinute: 3])
    for peer in 1...3 { #expect(plan(&server, ["quic://198.51.\(peer).1:1"], peer: peer, source: IPAddress("198.51.\(peer).1")).dials.count == 1) }
    #expect(plan(&server, ["quic://198.51.4.1:1"], peer: 4, source: IPAddress("198.51.4.1")).reached == .dialBacksPerMinute)
  }

  @Test func twoCandidatesAreDialledAndNotThree() {
    var server = server()
    let plan = plan(&server, (1...3).map { "quic://198.51.100.7:\($0)" }, source: source)
    #expect(plan.dials.count == 2 && plan.results.map(\.url) == ["quic://198.51.100.7:3"] && plan.reached == .dialBackCandidates)
  }

  @Test func nobodyScansPorts() {
    var server = server([.dialBackPortsPerAddressAndHour: 4, .dialBacksPerPeerAndMinute: 100, .dialBacksPerPrefixAndMinute: 100, .dialBacksPerMinute: 1_000])
    var dialled: Set<PeerAddress> = []
    for port in 1...50 { dialled.formUnion(plan(&server, ["quic://198.51.100.7:\(port)"], peer: port, source: source).dials) }
    #expect(dialled.count == 4 && server.counters[.dialBackPortsPerAddressAndHour] == 46)
    // The same ports again are no scan, and an hour later others may come.
    #expect(plan(&server, ["quic://198.51.100.7:1"], source: source).dials.count == 1)
    #expect(plan(&server, ["quic://198.51.100.7:51"], source: source, now: 60 * Self.minute).dials.count == 1)
  }
}
