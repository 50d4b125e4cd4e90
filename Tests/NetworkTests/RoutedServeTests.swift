import Foundation
import TestNetwork
import Testing

/// The real binary behind routers: two nodes, each behind one of its own, and two relays in the open.
@Suite(.enabled(if: RouterNetwork.areAllowed, "needs root, iproute2 and nftables, to make network namespaces with routers"), .serialized) struct RoutedServeTests {
  private static let configuration = #"{"discovery": {"mdns": false, "beacon": false, "exchange": false}}"#
  private static let listen = ["--listen", "quic://0.0.0.0:9741"]

  private struct Hosts {
    let network: RouterNetwork
    let relay: ServeProcess, other: ServeProcess, a: ServeProcess, b: ServeProcess
    var log: String { [relay, a, b].map(\.text).joined(separator: "\n--\n") }

    func end() { for node in [b, a, other, relay] { #expect(node.interrupt() == 0) } }
  }

  /// What `centram-host ticket` prints on a host.
  private static func ticket(_ network: RouterNetwork, _ host: RouterNetwork.Host, _ node: ServeProcess, _ arguments: [String]) throws -> String {
    let result = try ServeProcess.run(network.command(host) + [ServeProcess.host, "ticket"] + arguments, home: node.home)
    try #require(result.status == 0, "\(result.output)")
    return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Starts a, which both relays know, and b, which has a's ticket and nothing else.
  private func start(_ first: RouterNetwork.Kind, _ second: RouterNetwork.Kind, ofB arguments: (_ relays: [String]) -> [String] = { _ in [] }) throws -> Hosts {
    let network = RouterNetwork(first, second)
    func node(_ host: RouterNetwork.Host, _ arguments: [String]) throws -> ServeProcess {
      try ServeProcess(prefix: network.command(host), configuration: Self.configuration, Self.listen + arguments)
    }
    let relay = try node(.relay, ["--open-relay"]), other = try node(.other, ["--open-relay"])
    let relays = [
      try Self.ticket(network, .relay, relay, ["--address", "quic://198.51.100.2:9741"]), try Self.ticket(network, .other, other, ["--address", "quic://203.0.113.2:9741"]),
    ]
    let a = try node(.a, relays.flatMap { ["--relay", $0] })
    #expect(a.wait(for: "reachable at relay://\(relay.id)/\(a.id)") != nil, "\(a.text)")
    let ticket = try Self.ticket(network, .a, a, ["--relay", relays[0]])
    let b = try node(.b, ["--peer", ticket] + arguments(relays))
    #expect(b.wait(for: "\(a.id) is connected over relay") != nil, "\(b.text)\n--\n\(a.text)")
    return Hosts(network: network, relay: relay, other: other, a: a, b: b)
  }

  /// Asks until a peer is as wanted, for a minute at most.
  private func peer(_ id: String, of node: ServeProcess, where fits: (ServeProcess.Peer) -> Bool) throws -> ServeProcess.Peer? {
    let end = Date(timeIntervalSinceNow: 60)
    while true {
      let found = try node.peers().first { $0.id == id }
      if let found, fits(found) { return found }
      if end.timeIntervalSinceNow < 0 { return nil }
    }
  }

  @Test func aPunchMovesTheSessionToTheDirectPathBehindPortRestrictedRouters() throws {
    let hosts = try start(.portRestricted, .portRestricted)
    let ofB = try peer(hosts.a.id, of: hosts.b) { $0.path == "direct" && $0.state == "connected" }
    let ofA = try peer(hosts.b.id, of: hosts.a) { $0.path == "direct" && $0.state == "connected" }
    #expect(ofA?.transport == "quic" && ofB?.transport == "quic", "\(hosts.log)")
    // The session went on: what was said over the relay and not acknowledged was not lost with it.
    #expect(hosts.a.text.contains("\(hosts.b.id) is connected over quic, its session goes on"), "\(hosts.log)")
    hosts.end()
  }

  @Test func theRelayStaysBehindSymmetricRoutersAndPeersSaysWhy() throws {
    let hosts = try start(.symmetric, .symmetric) { relays in relays.flatMap { ["--relay", $0] } }
    for (node, other) in [(hosts.a, hosts.b), (hosts.b, hosts.a)] {
      let peer = try #require(try peer(other.id, of: node) { $0.reason.contains("no direct path: ") && $0.reason.contains("symmetric NAT") }, "\(hosts.log)")
      #expect(peer.path == "relay" && peer.state == "connected" && peer.transport == "relay" && peer.bytesReceived > 0, "\(peer)")
    }
    // The one that dialled tells which direct addresses it tried, in the table for people too.
    let ofB = try #require(try hosts.b.peers().first { $0.id == hosts.a.id })
    #expect(ofB.reason.hasPrefix("relay: ") && ofB.reason.contains("quic://10.1.0.2:9741"), "\(ofB)")
    let table = try ServeProcess.run(hosts.network.command(.b) + [ServeProcess.host, "peers"], home: hosts.b.home)
    #expect(table.status == 0 && table.output.contains(ofB.reason), "\(table.output)")
    hosts.end()
  }
}
