import CQuic
import CentramPluginAPI
import Synchronization
import Testing

@testable import Transport_Quic

@Suite(.timeLimit(.minutes(1))) struct QuicFeatureTests {
  /// A byte there and back.
  private func echo(_ pair: Pair, _ streams: (any TransportStream, any TransportStream), _ byte: UInt8) async throws {
    try await streams.0.send([byte])
    #expect(try await streams.1.receive() == [byte])
    try await streams.1.send([byte])
    #expect(try await streams.0.receive() == [byte])
  }

  @Test func refusesAPeerWithAnotherKeyThanTheDialledOne() async throws {
    let pair = try await Pair()
    let expected = Node(3).id
    let error = await #expect(throws: PluginError.self) { _ = try await pair.dialler.dial(pair.listener.address, expecting: expected) }
    #expect(error == PluginError(.invalid, "another peer answered at \(pair.listener.address), not \(hex(expected.bytes))"))
    // The listener never sees the one that was refused: the next to be accepted is the next good one.
    async let accepted = pair.listener.accept()
    let good = try await pair.dialler.dial(pair.listener.address, expecting: Node(2).id)
    #expect(try await accepted.peer == Node(1).id)
    let server = pair.serverCore.endpoint
    #expect(await server.loop.asked { server.counters.handshakes_failed } == 1)
    withExtendedLifetime(good) {}
  }

  @Test func saysWhenNobodyAnswers() async throws {
    let clock = TurnedClock()
    let transport = try Node(1, clock: clock).transport()
    let socket = try await Node(2).transport().listen(on: "quic://127.0.0.1:0")
    let address = socket.address
    await socket.close()
    let dialling = Task { try await transport.dial(address, expecting: nil) }
    let ended = Flag()
    Task {
      _ = await dialling.result
      ended.set()
    }
    while !ended.isSet {
      clock.advance(milliseconds: 500)
      transport.poke()
      await Task.yield()
    }
    let error = await #expect(throws: PluginError.self) { _ = try await dialling.value }
    #expect(error == PluginError(.unavailable, "nobody answered at \(address) within 10000 ms"))
  }

  @Test func endsAConnectionOfWhichNothingIsHeard() async throws {
    let clock = TurnedClock()
    let pair = try await Pair(client: ["keep_alive_ms": 0], server: ["keep_alive_ms": 0], clock: clock)
    let streams = try await pair.stream()
    // The real time that passes counts too.
    clock.advance(milliseconds: 15_000)
    await pair.poke()
    try await echo(pair, streams, 1)
    clock.advance(milliseconds: 30_001)
    await pair.poke()
    let error = await #expect(throws: PluginError.self) { _ = try await pair.client.acceptStream() }
    #expect(error == PluginError(.closed, "nothing was heard of the peer for the idle time-out, at most 30000 ms"))
  }

  @Test func keepsAnIdleConnectionAlive() async throws {
    let clock = TurnedClock()
    let pair = try await Pair(client: ["keep_alive_ms": 10_000, "idle_timeout_ms": 30_000], clock: clock)
    let streams = try await pair.stream()
    try await echo(pair, streams, 0)
    for _ in 0..<6 {
      let before = await pair.packets()
      clock.advance(milliseconds: 11_000)
      // The ping arrives, and its acknowledgement.
      while await zip(pair.packets(), before).contains(where: { $0 <= $1 }) { await pair.poke() }
    }
    try await echo(pair, streams, 1)
  }

  @Test func goesOnWhenItsAddressChangesUnderIt() async throws {
    let pair = try await Pair()
    let streams = try await pair.stream()
    try await echo(pair, streams, 1)
    let before = await pair.remotePort()
    let client = pair.clientCore.endpoint
    #expect(await client.loop.asked { (try? client.replaceSocket(announcing: false)) != nil })
    try await echo(pair, streams, 2)
    try await streams.0.send(pattern(300_000))
    var received: [UInt8] = []
    while received.count < 300_000 { received += try await streams.1.receive() }
    #expect(received == pattern(300_000))
    #expect(await pair.remotePort() != before)
    let server = pair.serverCore.endpoint
    while await server.loop.asked({ server.counters.path_changes }) == 0 { await Task.yield() }
  }

  @Test func movesToAnotherAddressOfItsOwn() async throws {
    let pair = try await Pair()
    let streams = try await pair.stream()
    try await echo(pair, streams, 1)
    let before = await pair.remotePort()
    let client = pair.clientCore.endpoint
    #expect(await client.loop.asked { (try? client.replaceSocket(announcing: true)) != nil })
    for byte in UInt8(2)..<10 { try await echo(pair, streams, byte) }
    while await client.loop.asked({ client.counters.path_changes }) == 0 { try await echo(pair, streams, 10) }
    try await echo(pair, streams, 11)
    #expect(await pair.remotePort() != before)
  }

  /// Its descriptor may be a stranger's by then, and nobody would close the new one.
  @Test func aSocketThatIsClosedIsNotReplaced() throws {
    let node = Node(1)
    let endpoint = try Endpoint(bind: .any(v6: false), seed: node.seed, settings: QuicSettings(), services: node, clock: node.clock)
    let before = endpoint.socket
    endpoint.ended()
    let error = #expect(throws: PluginError.self) { try endpoint.replaceSocket(announcing: false) }
    #expect(error?.code == .closed && endpoint.socket == before)
  }

  @Test func changesItsKeysWhileItIsUsed() async throws {
    let pair = try await Pair()
    let streams = try await pair.stream()
    for round in UInt8(0)..<3 {
      try await echo(pair, streams, round)
      // The library waits for three round trips between two changes.
      while await !pair.updateKeys() { try await echo(pair, streams, round) }
    }
    try await echo(pair, streams, 9)
  }

  @Test func findsLargerPacketsThanEveryPathTakes() async throws {
    let pair = try await Pair()
    let streams = try await pair.stream()
    while await pair.payload() <= 1232 { try await echo(pair, streams, 1) }
    #expect(await pair.payload() <= 1452)
  }

  @Test func closingDeliversWhatWasSent() async throws {
    let pair = try await Pair()
    let (ours, theirs) = try await pair.stream()
    try await ours.send(pattern(500_000))
    try await ours.finish()
    await pair.client.close(code: 0, reason: "")
    #expect(try await theirs.receiveAll() == pattern(500_000))
  }

  @Test func tellsTheCodeOfAReset() async throws {
    let pair = try await Pair()
    let (ours, theirs) = try await pair.stream()
    await ours.reset(code: 77)
    let error = await #expect(throws: PluginError.self) { _ = try await theirs.receive() }
    #expect(error == PluginError(.closed, "the stream was reset with code 77"))
  }

  @Test func aDroppedConnectionIsClosedAtTheOtherEnd() async throws {
    var pair: Pair? = try await Pair()
    let server = pair!.server
    pair = nil
    #expect(await code { _ = try await server.acceptStream() } == .closed)
  }

  @Test func dialsFromThePortThatItListensAt() async throws {
    let first = try Node(1).transport(), second = try Node(2).transport()
    let firstListener = try await first.listen(on: "quic://127.0.0.1:0"), secondListener = try await second.listen(on: "quic://127.0.0.1:0")
    async let accepted = secondListener.accept()
    let connection = try await first.dial(secondListener.address, expecting: Node(2).id)
    let core = (try await accepted as! QuicConnection).core
    let remote = await core.endpoint.loop.asked { core.remoteText }
    #expect(remote == firstListener.address)
    withExtendedLifetime(connection) {}
  }

  @Test func needsTheHostsClockAndIdentity() throws {
    struct Nothing: HostServices {
      func service(_ id: String) -> (any Sendable)? { nil }
      func log(_ level: LogLevel, _ message: String) {}
    }
    let error = #expect(throws: PluginError.self) { try QuicTransport(PluginEnvironment(services: Nothing())) }
    #expect(error?.code == .unavailable)
  }

  @Test func refusesAPeerThatSpeaksAnotherProtocol() throws {
    let server = Machine(seed: 2, alpn: "other/1"), client = Machine(seed: 1)
    cquic_endpoint_accept(server.quic, true)
    let connection = client.connect()
    converse(client, server)
    var end = cquic_end()
    cquic_connection_end(connection, &end)
    #expect(end.kind == CQUIC_END_REMOTE && end.code == 0x178)
    #expect(client.events().map(\.kind) == [CQUIC_EVENT_CLOSED])
    #expect(server.events().isEmpty)
  }
}

extension Pair {
  func poke() async {
    for core in [clientCore, serverCore] { _ = await core.endpoint.loop.asked { true } }
  }
  func remotePort() async -> String {
    let core = serverCore
    return await core.endpoint.loop.asked { core.remoteText }
  }
  func statistics(of end: Connection? = nil) async -> cquic_statistics {
    let core = end ?? clientCore
    return await core.endpoint.loop.asked {
      var statistics = cquic_statistics()
      if let pointer = core.pointer { cquic_connection_statistics(pointer, &statistics) }
      return statistics
    }
  }
  /// How many packets each end received.
  func packets() async -> [UInt64] { [await statistics().packets_received, await statistics(of: serverCore).packets_received] }
  func payload() async -> Int { await statistics().udp_payload }
  func updateKeys() async -> Bool {
    let core = clientCore
    return await core.endpoint.loop.asked { core.pointer.map { cquic_connection_update_keys($0, core.endpoint.now) == 0 } ?? false }
  }
}

extension Connection {
  /// Where the peer is, as text.
  var remoteText: String {
    var address = SocketAddress()
    if let pointer { cquic_connection_remote(pointer, &address.storage, &address.length) }
    return address.description
  }
}

final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  func set() { value.store(true, ordering: .relaxed) }
  var isSet: Bool { value.load(ordering: .relaxed) }
}
