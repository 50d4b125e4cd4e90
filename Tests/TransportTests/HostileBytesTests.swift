import CentramPluginAPI
import CentramPluginTesting
import CentramTransportSupport
import Fuzzing
import NIOCore
import NIOPosix
import TestNetwork
import Testing
import Transport_Nats

/// Bytes that no peer of ours sends, to listeners that anyone can reach. What counts is that honest peers are served afterwards.
@Suite struct HostileBytesTests {
  @Test func mutatedRequestsAreAnsweredOrCutOffAndAnHonestPeerIsServed() async throws {
    let fuzz = Fuzz("http requests", rounds: 300)
    var random = fuzz.random
    let listener = try await HttpTests.make(1).listen(on: "http://127.0.0.1:0")
    let id = String(repeating: "0f", count: 16)
    let templates = ["up", "down", "end"].flatMap { action in
      [
        "POST /centram/1/\(id)/\(action) HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nCentram-Offset: 0\r\n\r\n\u{16}\u{3}\u{1}\u{2}",
        "POST http://h/centram/1/\(id)/\(action) HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nCentram-Offset: 18446744073709551615\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
      ]
    }.map { Array($0.utf8) }
    for _ in 0..<fuzz.rounds {
      try await send(mutated(templates.randomElement(using: &random)!, &random), to: listener.address, scheme: "http", until: "HTTP/1.1 ")
    }
    async let accepted = listener.accept()
    let connection = try await HttpTests.make(2).dial(listener.address, expecting: TestIdentity(1).peer)
    #expect(try await accepted.peer == TestIdentity(2).peer)
    await connection.close(code: 0, reason: "done")
    await listener.close()
  }

  @Test func mutatedMessagesOfANATSClientDisturbNobodyElse() async throws {
    let fuzz = Fuzz("nats messages", rounds: 3_000)
    var random = fuzz.random
    let server = try await NatsServer()
    defer { server.kill() }
    let (client, far, listener) = try await NatsTests.pair(server)
    let (opened, accepted) = try await stream(client, far)
    let node = listener.address.split(separator: "/").last ?? "", subject = "centram.1.node.\(node)"
    // The first is a whole message that asks for a connection; the others are those of a connection that nobody has.
    let templates: [[UInt8]] = [
      [0] + [UInt8](repeating: 0, count: 16) + Array(String(repeating: "0a", count: 16).utf8), [1] + [UInt8](repeating: 0, count: 16) + Array("abc".utf8),
      [2] + [UInt8](repeating: 255, count: 16), [3] + [UInt8](repeating: 1, count: 16), [4] + [UInt8](repeating: 0, count: 16),
    ]
    var text: [UInt8] = Array("CONNECT {\"verbose\":false}\r\n".utf8)
    for _ in 0..<fuzz.rounds {
      let message = mutated(templates.randomElement(using: &random)!, &random)
      text += Array("PUB \(subject) \(message.count)\r\n".utf8) + message + [13, 10]
    }
    try await send(text + Array("PING\r\n".utf8), to: server.address, scheme: "nats", until: "PONG\r\n")
    try await opened.send([1, 2, 3])
    #expect(try await accepted.receive(exactly: 3) == [1, 2, 3])
    let another = try transport(Transport_Nats.centramPluginDescriptor(), 3)
    async let welcomed = listener.accept()
    let connection = try await another.dial(listener.address, expecting: nil)
    #expect(try await welcomed.peer == TestIdentity(3).peer)
    await connection.close(code: 0, reason: "done")
    await client.close(code: 0, reason: "done")
  }

  /// Some bytes changed, taken out, put in or said twice.
  private func mutated(_ bytes: [UInt8], _ random: inout FuzzGenerator) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 1...6, using: &random) where !result.isEmpty {
      let place = result.indices.randomElement(using: &random)!, end = min(result.count, place + Int.random(in: 1...16, using: &random))
      switch Int.random(in: 0..<5, using: &random) {
      case 0: result[place] = .random(in: 0...255, using: &random)
      case 1: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: result.removeSubrange(place..<end)
      case 3: result.insert(contentsOf: result[place..<end], at: place)
      default: result.insert(contentsOf: (0..<Int.random(in: 1...64, using: &random)).map { _ in .random(in: 0...255, using: &random) }, at: place)
      }
    }
    return result
  }

  /// Writes `bytes` as they are, and returns once the other end answered with `word` or closed.
  private func send(_ bytes: [UInt8], to address: String, scheme: String, until word: String) async throws {
    let parsed = try TransportAddress(address, scheme: scheme), answer = WaitQueue<Bool>()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answer(word, answer)) } }
      .connect(host: parsed.host, port: parsed.port).get()
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    // Half a request waits for a rest that never comes.
    channel.close(mode: .output, promise: nil)
    _ = try await answer.next()
    channel.close(promise: nil)
  }

  private final class Answer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let word: String, answer: WaitQueue<Bool>
    private var text = ""
    init(_ word: String, _ answer: WaitQueue<Bool>) { (self.word, self.answer) = (word, answer) }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      text += String(buffer: unwrapInboundIn(data))
      if text.contains(word) { answer.offer(true) }
    }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if event as? ChannelEvent == .inputClosed { answer.offer(false) }
    }
    func channelInactive(context: ChannelHandlerContext) { answer.offer(false) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.offer(false) }
  }
}
