import CentramPluginAPI
import CentramPluginTesting
import CentramTransportSupport
import NIOCore
import NIOPosix
import Testing
import Transport_Tcp

@Suite struct TcpTests {
  @Test(arguments: ["127.0.0.1", "[::1]"]) func keepsEveryPromiseOfATransport(host: String) async throws {
    #expect(try await ConformanceTests.run(Transport_Tcp.centramPluginDescriptor(), "tcp://\(host):0") == [])
  }

  static func make(_ number: UInt64, _ configurationJSON: String = "{}") throws -> any Transport {
    try transport(Transport_Tcp.centramPluginDescriptor(), number, configurationJSON)
  }

  /// A plain TCP connection that says `bytes` and counts what comes back until it is closed.
  static func raw(_ address: String, _ bytes: [UInt8]) async throws -> any Channel {
    let parsed = try TransportAddress(address, scheme: "tcp")
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: parsed.host, port: parsed.port).get()
    // The listener may have closed already, which is what the test asks for.
    if !bytes.isEmpty { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
    return channel
  }

  @Test func garbageAndSilenceAreDroppedWhileHonestPeersAreServed() async throws {
    let server = try Self.make(1, #"{"handshakeSeconds": 1}"#), client = try Self.make(2)
    let listener = try await server.listen(on: "tcp://127.0.0.1:0")
    let garbage = try await Self.raw(listener.address, [UInt8](repeating: 0x16, count: 4_000)), silent = try await Self.raw(listener.address, [])
    async let accepted = listener.accept()
    let connection = try await client.dial(listener.address, expecting: TestIdentity(1).peer)
    #expect(try await accepted.peer == TestIdentity(2).peer)
    // Both are closed by the listener: at once, and after the time for a handshake.
    try await garbage.closeFuture.get()
    try await silent.closeFuture.get()
    await connection.close(code: 0, reason: "done")
    await listener.close()
  }

  @Test func aSourceHasAsManyHandshakesAtOnceAsAllowedAndNotOneMore() async throws {
    let server = try Self.make(1, #"{"handshakesPerSource": 2, "handshakeSeconds": 60}"#)
    let listener = try await server.listen(on: "tcp://127.0.0.1:0")
    let first = try await Self.raw(listener.address, []), second = try await Self.raw(listener.address, [])
    let third = try await Self.raw(listener.address, [])
    try await third.closeFuture.get()
    #expect(first.isActive && second.isActive)
    // One that ends makes room.
    try await first.close()
    let client = try Self.make(2)
    var connection: (any TransportConnection)?
    for _ in 0..<200 where connection == nil { connection = try? await client.dial(listener.address, expecting: nil) }
    #expect(connection?.peer == TestIdentity(1).peer)
    try await second.close()
    await listener.close()
  }

  @Test func aSourceHasAsManyHandshakesAMinuteAsAllowed() async throws {
    let server = try Self.make(1, #"{"handshakesPerMinute": 3}"#), client = try Self.make(2)
    let listener = try await server.listen(on: "tcp://127.0.0.1:0")
    for _ in 0..<3 { await (try await client.dial(listener.address, expecting: nil)).close(code: 0, reason: "done") }
    #expect(await pluginError { try await client.dial(listener.address, expecting: nil) }?.code == .unavailable)
    await listener.close()
  }

  @Test func aPeerThatIsSilentForTooLongIsLetGo() async throws {
    let settings = #"{"idleSeconds": 1, "keepAliveSeconds": 0}"#
    let (client, server, listener) = try await pair(try Self.make(1, settings), try Self.make(2, settings), "tcp://127.0.0.1:0")
    let error = await pluginError { try await server.acceptStream() }
    #expect(error?.code == .closed)
    withExtendedLifetime(client) {}
    await listener.close()
  }

  @Test func pingsKeepAConnectionThatIsSilent() async throws {
    let settings = #"{"idleSeconds": 2, "keepAliveSeconds": 1}"#
    let (client, server, listener) = try await pair(try Self.make(1, settings), try Self.make(2, settings), "tcp://127.0.0.1:0")
    let (opened, accepted) = try await stream(client, server)
    // More than the idle time passes.
    try await Task.sleep(for: .seconds(3))
    #expect(try await echoes(opened, accepted, [1, 2, 3]))
    await listener.close()
  }

  @Test func nobodyListensAndNobodyAnswersAreUnavailable() async throws {
    let listener = try await Self.make(1).listen(on: "tcp://127.0.0.1:0")
    await listener.close()
    #expect(await pluginError { try await Self.make(2).dial(listener.address, expecting: nil) }?.code == .unavailable)
    let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
    let error = await pluginError { try await Self.make(2, #"{"handshakeSeconds": 1}"#).dial("tcp://127.0.0.1:\(silent.localAddress!.port!)", expecting: nil) }
    #expect(error?.code == .unavailable && error?.message.contains("longer than 1 s") == true)
    try await silent.close()
  }

  @Test func withoutAnIdentityThereIsNoInstance() {
    #expect { try transportFactory(Transport_Tcp.centramPluginDescriptor())(PluginEnvironment(services: NoServices())) } throws: { ($0 as? PluginError)?.code == .unavailable }
  }

  private struct NoServices: HostServices {
    func service(_ id: String) -> (any Sendable)? { nil }
    func log(_ level: LogLevel, _ message: String) {}
  }
}
