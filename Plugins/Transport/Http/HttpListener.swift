internal import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore
internal import NIOHTTP1

/// The sessions of one port. When it closes, they end.
final class HttpListener: TransportListener, @unchecked Sendable {
  let node: HttpNode
  private let accepted = WaitQueue<MultiplexedConnection>(limit: 128)
  private let lock = Lock()
  private var channel: (any Channel)?
  private var sessions: [String: HttpSession] = [:]
  private var isClosed = false
  private(set) var address = ""

  init(_ node: HttpNode) { self.node = node }

  func start(_ channel: any Channel) {
    address = TransportAddress(scheme: Http.scheme, host: channel.localAddress?.ipAddress ?? "", port: channel.localAddress?.port ?? 0).description
    lock.withLock { self.channel = channel }
  }

  func accept() async throws(PluginError) -> any TransportConnection { try await accepted.next() }

  func close() async {
    accepted.close(PluginError(.closed, "the listener at \(address) is closed"))
    let (channel, all) = lock.withLock {
      defer { (self.channel, isClosed) = (nil, true) }
      return (self.channel, sessions.values.sorted { $0.id < $1.id })
    }
    try? await channel?.close()
    for session in all { session.end(PluginError(.closed, "the listener is closed")) }
  }

  /// How many sessions there are.
  var count: Int { lock.withLock { sessions.count } }

  /// `POST /centram/1/SESSION/up`, `down` or `end`, with `Centram-Offset`.
  func handle(_ head: HTTPRequestHead, _ body: [UInt8], answer: @escaping HttpSession.Answering) {
    let parts = head.uri.split(separator: "/", omittingEmptySubsequences: false)
    // A proxy may pass the absolute form on.
    guard head.method == .POST, parts.count >= 5, parts[parts.count - 4] == "centram", parts[parts.count - 3] == "1" else { return answer(HttpAnswer(status: 404)) }
    let (id, action) = (String(parts[parts.count - 2]), parts[parts.count - 1])
    guard id.utf8.count == 32, id.allSatisfy(\.isHexDigit), let offset = UInt64(head.headers.first(name: "Centram-Offset") ?? "") else { return answer(HttpAnswer(status: 400)) }
    let known = lock.withLock { sessions[id] }
    switch action {
    case "up":
      guard let session = known ?? (offset == 0 ? open(id) : nil) else { return answer(.gone) }
      session.up(offset, body, answer: answer)
    case "down": if let known { known.down(offset, answer: answer) } else { answer(.gone) }
    case "end":
      known?.endedByPeer()
      answer(HttpAnswer(status: 200))
    default: answer(HttpAnswer(status: 404))
    }
  }

  private func open(_ id: String) -> HttpSession? {
    let session = HttpSession(id, node) { [weak self] ended in self?.forget(ended) }
    let admitted = lock.withLock {
      guard !isClosed, sessions.count < node.maximumSessions, sessions[id] == nil else { return false }
      sessions[id] = session
      return true
    }
    guard admitted else {
      node.services.log(.debug, "refused a session: there are \(node.maximumSessions), or the listener is closed")
      return nil
    }
    let limit = node.timers.schedule(after: node.handshakeNanoseconds) { [weak session] in session?.end(PluginError(.closed, "the handshake took too long")) }
    guard
      let secured = try? SecuredPipe(
        session, role: .listener, identity: node.identity, expecting: nil, settings: node.settings, timers: node.timers,
        onEstablished: { [weak self] connection in
          limit.cancel()
          self?.accepted.offer(connection)
        })
    else { return nil }
    session.start(secured)
    return session
  }

  private func forget(_ session: HttpSession) { lock.withLock { if sessions[session.id] === session { sessions[session.id] = nil } } }
}

/// Collects one request and writes one answer. On the channel's event loop.
final class HttpServerHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let listener: HttpListener
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  private var isTooLong = false

  init(_ listener: HttpListener) { self.listener = listener }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): (self.head, body, isTooLong) = (head, [], false)
    case .body(let part):
      if body.count + part.readableBytes > HttpNode.bodyLimit { isTooLong = true } else { part.withUnsafeReadableBytes { body.append(contentsOf: $0) } }
    case .end:
      guard let head else { return }
      let (channel, keepsAlive, whole) = (context.channel, head.isKeepAlive && !isTooLong, body)
      self.head = nil
      body = []
      let answer: HttpSession.Answering = { answer in
        if channel.eventLoop.inEventLoop { Self.write(answer, to: channel, keepsAlive) } else { channel.eventLoop.execute { Self.write(answer, to: channel, keepsAlive) } }
      }
      if isTooLong { answer(HttpAnswer(status: 413)) } else { listener.handle(head, whole, answer: answer) }
    }
  }

  private static func write(_ answer: HttpAnswer, to channel: any Channel, _ keepsAlive: Bool) {
    let headers: HTTPHeaders = [
      "Content-Length": String(answer.body.count), "Content-Type": "application/octet-stream", "Cache-Control": "no-store", "Centram-Offset": String(answer.offset),
      "Connection": keepsAlive ? "keep-alive" : "close",
    ]
    channel.write(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)), promise: nil)
    if !answer.body.isEmpty { channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: answer.body))), promise: nil) }
    channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in if !keepsAlive { channel.close(promise: nil) } }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) } else { context.fireUserInboundEventTriggered(event) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
