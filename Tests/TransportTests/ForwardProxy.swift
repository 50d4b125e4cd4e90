import CentramTransportSupport
import Foundation
import FoundationNetworking
import NIOCore
import NIOHTTP1
import NIOPosix

/// A forward proxy as companies have them: it takes requests in absolute form, collects each whole, passes it on, collects the answer whole, and passes
/// that back. It can cut every n-th exchange, before it passes the request on or after.
final class ForwardProxy: @unchecked Sendable {
  private let lock = Lock()
  private var exchanges = 0, cuts = 0
  private var cutEvery = 0
  private var channel: (any Channel)?

  /// - Parameter cutEvery: 0: none.
  init(cutEvery: Int = 0) async throws {
    self.cutEvery = cutEvery
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { [weak self] channel in
        channel.eventLoop.makeCompletedFuture {
          guard let self else { return }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(ProxyHandler(self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    lock.withLock { self.channel = channel }
  }

  var address: String { "http://127.0.0.1:\(lock.withLock { channel }?.localAddress?.port ?? 0)" }
  /// What it saw and what it cut.
  var counts: (exchanges: Int, cuts: Int) { lock.withLock { (exchanges, cuts) } }
  func close() { lock.withLock { channel }?.close(promise: nil) }

  enum Fate { case pass, cutBefore, cutAfter }
  func fate() -> Fate {
    lock.withLock {
      exchanges += 1
      guard cutEvery > 0, exchanges % cutEvery == 0 else { return .pass }
      cuts += 1
      return cuts % 2 == 0 ? .cutBefore : .cutAfter
    }
  }

  /// Sends a request to where its absolute form says and gives the whole answer.
  static func forward(_ head: HTTPRequestHead, _ body: [UInt8]) async throws -> (HTTPURLResponse, Data) {
    guard let url = URL(string: head.uri), url.scheme == "http", url.host != nil else { throw URLError(.badURL) }
    var request = URLRequest(url: url)
    request.httpMethod = head.method.rawValue
    request.httpBody = Data(body)
    for (name, value) in head.headers where !["host", "content-length", "connection"].contains(name.lowercased()) { request.setValue(value, forHTTPHeaderField: name) }
    let (data, response) = try await URLSession.shared.data(for: request)
    guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
    return (response, data)
  }
}

private final class ProxyHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart
  private let proxy: ForwardProxy
  private var head: HTTPRequestHead?, body: [UInt8] = []
  init(_ proxy: ForwardProxy) { self.proxy = proxy }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): (self.head, body) = (head, [])
    case .body(let part): body += part.readableBytesView
    case .end:
      guard let head else { return }
      let (channel, whole, fate) = (context.channel, body, proxy.fate())
      if fate == .cutBefore { return context.close(promise: nil) }
      Task {
        do {
          let (response, data) = try await ForwardProxy.forward(head, whole)
          if fate == .cutAfter { return channel.close(promise: nil) }
          var headers: HTTPHeaders = ["Content-Length": String(data.count)]
          if let offset = response.value(forHTTPHeaderField: "Centram-Offset") { headers.add(name: "Centram-Offset", value: offset) }
          channel.write(HTTPServerResponsePart.head(.init(version: .http1_1, status: .init(statusCode: response.statusCode), headers: headers)), promise: nil)
          channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: data))), promise: nil)
          channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        } catch { channel.close(promise: nil) }
      }
    }
  }
}
