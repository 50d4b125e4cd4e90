import CentramPluginAPI
import Testing

@testable import CentramNode

/// For whom a handshake counts.
@Suite struct HandshakeSourceTests {
  /// A connection whose transport tells where the peer is.
  private struct Described: TransportConnection, CustomStringConvertible {
    let description: String, peer: PeerID
    var channelBinding: [UInt8] { [] }
    init(_ description: String, key: UInt8) { (self.description, peer) = (description, PeerID([UInt8](repeating: key, count: 32))!) }
    func openStream() async throws(PluginError) -> any TransportStream { throw PluginError(.unsupported, "no streams") }
    func acceptStream() async throws(PluginError) -> any TransportStream { throw PluginError(.unsupported, "no streams") }
    func close(code: UInt64, reason: String) async {}
  }

  /// The limit that each handshake in turn reaches at a gate that lets three a minute of one source begin.
  private func limits(_ connections: [Described]) -> [Limit?] {
    var gate = HandshakeGate(limits: Limits([.handshakesPerSourceAndMinute: 3]), now: 0)
    return connections.map { gate.begin(source: HandshakeGate.source(of: $0), now: 0) }
  }

  @Test(arguments: [
    ["quic://192.0.2.7:1", "quic://192.0.2.7:2", "quic://192.0.2.7:3", "quic://192.0.2.7:4"],
    ["quic://[2001:db8::1]:1", "quic://[2001:db8::2]:1", "quic://[2001:db8:0:0:9::3]:1", "quic://[2001:db8::ffff]:1"],
  ])
  func manyKeysOfOneAddressCountTogether(addresses: [String]) {
    #expect(limits(addresses.enumerated().map { Described($1, key: UInt8($0 + 1)) }) == [nil, nil, nil, .handshakesPerSourceAndMinute])
  }

  @Test func oneKeyAtManyAddressesCountsForEach() {
    let addresses = ["quic://192.0.2.7:1", "quic://192.0.2.8:1", "quic://[2001:db8::1]:1", "quic://[2001:db8:0:1::1]:1"]
    #expect(limits(addresses.map { Described($0, key: 1) }) == [nil, nil, nil, nil])
  }

  @Test(arguments: ["", "a connection", "quic://127.0.0.1:5", "quic://[::1]:5", "relay://somebody"])
  func withoutAnAddressOrOnThisMachineTheKeyCounts(description: String) {
    let one = (0..<4).map { _ in Described(description, key: 1) }, four = (1...4).map { Described(description, key: $0) }
    #expect(limits(one) == [nil, nil, nil, .handshakesPerSourceAndMinute])
    #expect(limits(four) == [nil, nil, nil, nil])
  }
}
