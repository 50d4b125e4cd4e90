import CentramPluginAPI
import CentramPluginTesting
import TestNetwork
import Testing
import Transport_Nats

@Suite struct NatsTests {
  @Test(arguments: ["127.0.0.1", "::1"]) func keepsEveryPromiseOfATransport(host: String) async throws {
    let server = try await NatsServer(host: host)
    defer { server.kill() }
    #expect(try await ConformanceTests.run(Transport_Nats.centramPluginDescriptor(), server.address) == [])
  }

  static func pair(_ server: NatsServer, _ configurationJSON: String = "{}") async throws -> (
    client: any TransportConnection, server: any TransportConnection, listener: any TransportListener
  ) {
    let descriptor = Transport_Nats.centramPluginDescriptor()
    return try await TransportTests.pair(try transport(descriptor, 1, configurationJSON), try transport(descriptor, 2, configurationJSON), server.address)
  }

  @Test func aConnectionOutlivesARestartOfTheServerAndLosesNothing() async throws {
    let server = try await NatsServer()
    defer { server.kill() }
    let (client, far, _) = try await Self.pair(server)
    let (opened, accepted) = try await stream(client, far)
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
    let sending = Task {
      try await opened.send(bytes)
      try await opened.finish()
    }
    var received = try await accepted.receive(exactly: 500_000)
    server.stop()
    // What is on its way in the library and in the streams' windows may still come; the rest needs the server.
    try server.restart()
    received += try await accepted.receive(exactly: bytes.count - received.count)
    #expect(received == bytes)
    #expect(try await accepted.receive(upTo: 1) == [])
    try await sending.value
    await client.close(code: 0, reason: "done")
  }

  @Test func aConnectionEndsWhenTheServerStaysAway() async throws {
    let server = try await NatsServer()
    defer { server.kill() }
    let (client, far, _) = try await Self.pair(server, #"{"retrySeconds": 1}"#)
    let (opened, accepted) = try await stream(client, far)
    server.stop()
    try await opened.send([1])
    #expect(await pluginError { try await opened.receive(upTo: 1) }?.code == .closed)
    withExtendedLifetime(accepted) {}
  }

  @Test func aDialWithoutAServerOrAListenerSaysSo() async throws {
    let server = try await NatsServer()
    let descriptor = Transport_Nats.centramPluginDescriptor()
    let client = try transport(descriptor, 2, #"{"handshakeSeconds": 1}"#)
    let nobody = String(repeating: "ab", count: 32)
    let unanswered = await pluginError { try await client.dial("\(server.address)/\(nobody)", expecting: nil) }
    #expect(unanswered?.code == .unavailable && unanswered?.message.contains("did not answer") == true)
    server.kill()
    let absent = await pluginError { try await (try transport(descriptor, 3)).dial("\(server.address)/\(nobody)", expecting: nil) }
    #expect(absent?.code == .unavailable && absent?.message.contains("no NATS server") == true)
    #expect(await pluginError { try await client.dial("nats://127.0.0.1:1", expecting: nil) }?.code == .invalid)
  }

  @Test func twoNodesListenOnOneServerAndEachIsReachedByItsKey() async throws {
    let server = try await NatsServer()
    defer { server.kill() }
    let descriptor = Transport_Nats.centramPluginDescriptor()
    let first = try await transport(descriptor, 1).listen(on: server.address), second = try await transport(descriptor, 2).listen(on: server.address)
    let client = try transport(descriptor, 3)
    for (listener, number) in [(first, UInt64(1)), (second, 2)] {
      async let accepted = listener.accept()
      let connection = try await client.dial(listener.address, expecting: TestIdentity(number).peer)
      #expect(connection.peer == TestIdentity(number).peer)
      #expect(try await accepted.peer == TestIdentity(3).peer)
      await connection.close(code: 0, reason: "done")
    }
  }
}
