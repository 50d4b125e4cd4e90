import CentramPluginAPI
import CentramPluginTesting
import CentramTransportSupport
import NIOCore
import NIOPosix
import Testing
import Transport_Http

@Suite struct HttpTests {
  static func make(_ number: UInt64, _ configurationJSON: String = "{}") throws -> any Transport {
    try transport(Transport_Http.centramPluginDescriptor(), number, configurationJSON)
  }

  @Test(arguments: ["127.0.0.1", "[::1]"]) func keepsEveryPromiseOfATransport(host: String) async throws {
    #expect(try await ConformanceTests.run(Transport_Http.centramPluginDescriptor(), "http://\(host):0", bulk: 4 << 20) == [])
  }

  @Test(arguments: [0, 7]) func crossesAProxyThatBuffersAndCuts(cutEvery: Int) async throws {
    let proxy = try await ForwardProxy(cutEvery: cutEvery)
    defer { proxy.close() }
    let (client, server, listener) = try await pair(try Self.make(1), try Self.make(2, "{\"proxy\": \"\(proxy.address)\", \"pollSeconds\": 1}"), "http://127.0.0.1:0")
    let (opened, accepted) = try await stream(client, server)
    // Long enough that the proxy cuts both kinds of requests, before and after they reach the server.
    for round in 0..<20 { #expect(try await echoes(opened, accepted, (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 3 &+ round) })) }
    #expect(proxy.counts.exchanges > 20)
    #expect((proxy.counts.cuts > 2) == (cutEvery > 0), "\(proxy.counts)")
    await client.close(code: 0, reason: "done")
    await listener.close()
  }

  @Test func nobodyThereAndAProxyThatIsNotThereAreUnavailable() async throws {
    let listener = try await Self.make(1).listen(on: "http://127.0.0.1:0")
    await listener.close()
    #expect(await pluginError { try await Self.make(2).dial(listener.address, expecting: nil) }?.code == .unavailable)
    let address = listener.address
    #expect(await pluginError { try await Self.make(2, "{\"proxy\": \"\(address)\"}").dial("http://127.0.0.1:9", expecting: nil) }?.code == .unavailable)
  }

  /// Writes `request` as it stands and gives the answer's first line; empty where the server closed without one.
  static func ask(_ address: String, _ request: String) async throws -> String {
    let parsed = try TransportAddress(address, scheme: "http"), answer = WaitQueue<String>()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(FirstLine(answer)) } }
      .connect(host: parsed.host, port: parsed.port).get()
    channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
    let line = try await answer.next()
    channel.close(promise: nil)
    return line
  }

  private final class FirstLine: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let answer: WaitQueue<String>
    init(_ answer: WaitQueue<String>) { self.answer = answer }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { answer.offer(String(String(buffer: unwrapInboundIn(data)).prefix { $0 != "\r\n" })) }
    func channelInactive(context: ChannelHandlerContext) { answer.offer("") }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  @Test func wrongRequestsGetAStatusAndHonestPeersAreServed() async throws {
    let listener = try await Self.make(1, #"{"maximumSessions": 2}"#).listen(on: "http://127.0.0.1:0")
    let id = String(repeating: "a", count: 32)
    func post(_ path: String, _ offset: String, _ body: String = "x") -> String {
      "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\nCentram-Offset: \(offset)\r\n\r\n\(body)"
    }
    let cases = [
      ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "404"), (post("/centram/1/\(id)/sideways", "0"), "404"), (post("/centram/1/zz/up", "0"), "400"),
      (post("/centram/1/\(id)/up", "-1"), "400"),
      (post("/centram/1/\(id)/up", "5"), "410"), (post("/centram/1/\(id)/down", "0"), "410"), (post("/centram/1/\(id)/end", "0"), "200"),
      (post("/centram/1/\(id)/up", "0", String(repeating: "x", count: (256 << 10) + 1)), "413"), ("nonsense\r\n\r\n", "400"),
    ]
    for (request, status) in cases {
      let line = try await Self.ask(listener.address, request)
      #expect(line.contains(" \(status) "), "\(request.prefix(60)): \(line)")
    }
    async let accepted = listener.accept()
    let connection = try await Self.make(2).dial(listener.address, expecting: TestIdentity(1).peer)
    #expect(try await accepted.peer == TestIdentity(2).peer)
    await connection.close(code: 0, reason: "done")
    await listener.close()
  }
}
