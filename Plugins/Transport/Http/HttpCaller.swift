internal import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// One request after the other to one server, on a connection that is kept while it lasts. A request ends in exactly one answer or error; after an error
/// the next makes a new connection.
final class HttpCaller: @unchecked Sendable {
  enum Failure: Error { case unreachable(String), cut(String) }
  typealias Completion = @Sendable (Result<HttpAnswer, Failure>) -> Void

  private let node: HttpNode, target: TransportAddress
  private let lock = Lock()
  private var channel: (any Channel)?
  private var isClosed = false

  init(_ node: HttpNode, _ target: TransportAddress) { (self.node, self.target) = (node, target) }

  /// - Parameter limit: after which the request counts as cut.
  func post(_ path: String, offset: UInt64, body: [UInt8] = [], limit: UInt64, completion: @escaping Completion) {
    let uri = node.proxy == nil ? path : "http://\(target.authority)\(path)"
    let headers: HTTPHeaders = [
      "Host": target.authority, "Content-Length": String(body.count), "Content-Type": "application/octet-stream", "Centram-Offset": String(offset), "Cache-Control": "no-store",
    ]
    let request = HttpRequest(head: HTTPRequestHead(version: .http1_1, method: .POST, uri: uri, headers: headers), body: body, limit: limit, completion: completion)
    let (existing, closed) = lock.withLock { (channel, isClosed) }
    guard !closed else { return completion(.failure(.cut("this side closed the connection"))) }
    if let existing, existing.isActive { return existing.eventLoop.execute { existing.writeAndFlush(request, promise: nil) } }
    let server = node.proxy ?? target
    ClientBootstrap(group: node.group)
      .connectTimeout(.nanoseconds(Int64(node.handshakeNanoseconds)))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(HttpClientHandler())
        }
      }
      .connect(host: server.host, port: server.port)
      .whenComplete { [self] result in
        switch result {
        case .failure(let error): completion(.failure(.unreachable("\(server.authority) cannot be reached: \(error)")))
        case .success(let channel):
          let closed = lock.withLock {
            self.channel = channel
            return isClosed
          }
          if closed { channel.close(promise: nil) }
          channel.writeAndFlush(request).whenFailure { request.finish(.failure(.cut("\($0)"))) }
        }
      }
  }

  func close() {
    let open = lock.withLock {
      isClosed = true
      defer { channel = nil }
      return channel
    }
    open?.close(promise: nil)
  }
}

/// A request on its way through the pipeline.
final class HttpRequest: @unchecked Sendable {
  let head: HTTPRequestHead, body: [UInt8], limit: UInt64
  private let lock = Lock()
  private var completion: HttpCaller.Completion?

  init(head: HTTPRequestHead, body: [UInt8], limit: UInt64, completion: @escaping HttpCaller.Completion) {
    (self.head, self.body, self.limit, self.completion) = (head, body, limit, completion)
  }

  func finish(_ result: Result<HttpAnswer, HttpCaller.Failure>) {
    let call = lock.withLock {
      defer { completion = nil }
      return completion
    }
    call?(result)
  }
}

/// Writes a request and reads its answer. On the channel's event loop.
final class HttpClientHandler: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HttpRequest
  typealias OutboundOut = HTTPClientRequestPart

  private var current: HttpRequest?, timeout: Scheduled<Void>?
  private var head: HTTPResponseHead?, body: [UInt8] = []

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let request = unwrapOutboundIn(data)
    guard context.channel.isActive, current == nil else {
      request.finish(.failure(.cut("the connection was cut")))
      promise?.succeed(())
      return
    }
    current = request
    let channel = context.channel
    timeout = context.eventLoop.scheduleTask(in: .nanoseconds(Int64(request.limit))) { channel.close(promise: nil) }
    context.write(wrapOutboundOut(.head(request.head)), promise: nil)
    if !request.body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil) }
    context.write(wrapOutboundOut(.end(nil)), promise: promise)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): (self.head, body) = (head, [])
    case .body(let part):
      guard body.count + part.readableBytes <= HttpNode.bodyLimit else { return context.close(promise: nil) }
      part.withUnsafeReadableBytes { body.append(contentsOf: $0) }
    case .end:
      guard let head else { return }
      let offset = UInt64(head.headers.first(name: "Centram-Offset") ?? "")
      let (request, answer) = (current, HttpAnswer(status: Int(head.status.code), offset: offset ?? 0, body: body))
      (current, self.head, body) = (nil, nil, [])
      timeout?.cancel()
      if !head.isKeepAlive { context.close(promise: nil) }
      // An answer of a proxy's own, not of the server.
      request?.finish(offset == nil ? .failure(.cut("the answer \(head.status.code) carries no Centram-Offset")) : .success(answer))
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail("the connection was cut")
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    fail("\(error)")
    context.close(promise: nil)
  }

  private func fail(_ why: String) {
    timeout?.cancel()
    let request = current
    current = nil
    request?.finish(.failure(.cut(why)))
  }
}
