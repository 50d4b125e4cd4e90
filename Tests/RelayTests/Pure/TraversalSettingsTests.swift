import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// The sections `relay` and `discovery` of the configuration, and the flags that add to them.
@Suite struct TraversalSettingsTests {
  private func read(_ json: String) throws -> NodeConfiguration { try NodeConfiguration(json: Data(json.utf8), name: "config.json") }
  private func relay(_ number: Int) -> String { "\(RelayWorld.key(number))@quic://192.0.2.\(number):9741" }

  @Test func aNodeIsNoRelayAndUsesNoneUnlessTold() throws {
    #expect(try read("{}").traversal == NATTraversal.Settings())
    let standard = NATTraversal.Settings()
    #expect(!standard.relay.isOpen && standard.relays.isEmpty && standard.listen.isEmpty && standard.helpsOthers && standard.punches)
  }

  @Test func everyKeyIsRead() throws {
    let ticket = try Ticket(id: RelayWorld.key(2), addresses: [PeerAddress("quic://192.0.2.2:9741"), PeerAddress("tcp://192.0.2.2:9741")])
    let settings = try read(
      #"{"relay": {"enabled": true, "use": ["\#(relay(1))", "\#(ticket)"], "dialBack": false, "punch": false, "limits": {"circuits": 7}}, "discovery": {"topics": ["a", "b"]}}"#)
    #expect(settings.traversal.relay.isOpen && !settings.traversal.helpsOthers && !settings.traversal.punches && settings.traversal.relay[.circuits] == 7)
    #expect(settings.traversal.relays.map(\.address.description) == ["quic://192.0.2.1:9741", "quic://192.0.2.2:9741"])
    #expect(settings.traversal.listen == ["relay://\(RelayWorld.key(1))", "relay://\(RelayWorld.key(2))"])
    #expect(settings.discovery.topics == ["a", "b"])
  }

  @Test(
    arguments: [
      (#"{"relay": {"enabled": 1.5}}"#, "relay.enabled must be true or false"), (#"{"relay": {"enable": true}}"#, "did you mean enabled?"),
      (#"{"relay": {"limits": {"circuits": 0}}}"#, "relay.limits.circuits must be a whole number from 1 to 1000000000"),
      (#"{"relay": {"limits": {"circuits": 1000000001}}}"#, "relay.limits.circuits must be"), (#"{"relay": {"limits": {"circuit": 1}}}"#, "did you mean circuits?"),
      (#"{"relay": {"use": ["quic://192.0.2.1:1"]}}"#, "a relay is named by a ticket"), (#"{"discovery": {"topics": [""]}}"#, "a topic's name has 1 to 64 bytes"),
    ]) func whatIsWrongIsNamed(json: String, sentence: String) throws
  {
    let error = #expect(throws: MergeError.self) { try read(json) }
    #expect(error?.message.contains(sentence) == true, "\(error?.message ?? "")")
  }

  @Test func fourRelaysAreUsedAndNotOneMore() throws {
    var settings = NATTraversal.Settings()
    for number in 1...NATTraversal.Settings.mostRelays { try settings.use(relay(number)) }
    // The same one again changes nothing.
    try settings.use(relay(1))
    #expect(settings.relays.count == 4)
    #expect(throws: SessionError(.configuration, "5 relays; a node uses at most 4")) { try settings.use(relay(5)) }
  }

  @Test func eightTopicsOfSixtyFourBytesAreJoinedAndNotOneMore() throws {
    var settings = DiscoverySettings()
    for number in 1...DiscoverySettings.mostTopics { try settings.join(String(repeating: "\(number)", count: 64)) }
    try settings.join(String(repeating: "1", count: 64))
    #expect(settings.topics.count == 8)
    #expect(throws: SessionError(.configuration, "9 topics; a node joins at most 8")) { try settings.join("x") }
    #expect(throws: SessionError.self) { try settings.join(String(repeating: "x", count: 65)) }
  }

  @Test func aReferenceTakesTheNodesOwnRelaysOnlyWhereItsKeyIsKnown() throws {
    let relays = [
      Ticket.Relay(id: RelayWorld.key(1), address: try PeerAddress("quic://192.0.2.1:1")), .init(id: RelayWorld.key(2), address: try PeerAddress("quic://192.0.2.2:1")),
    ]
    #expect(try PeerReference("quic://192.0.2.9:1").reachable(through: relays).relays.isEmpty)
    // Not through itself.
    #expect(try PeerReference("\(RelayWorld.key(2))@quic://192.0.2.9:1").reachable(through: relays).relays == [relays[0]])
    let ticket = try Ticket(id: RelayWorld.key(3), addresses: [], relay: relays[1]).description
    let reference = try PeerReference.parse(ticket)
    #expect(reference.addresses.isEmpty && reference.address == "relay://\(RelayWorld.key(2))/\(RelayWorld.key(3))" && reference.isRaced)
    #expect(reference.reachable(through: relays).relays == [relays[1], relays[0]])
  }
}
