internal import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// One TCP connection: TLS, then a nonce each way (NIOSSL has no exporter, see decision 0011), then the multiplexer's frames. Its state belongs to the
/// channel's event loop.
final class TcpPipe: ChannelInboundHandler, MultiplexerDriver, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  static let nonceSize = 32

  private let node: TcpNode, role: Multiplexer.Role, expected: PeerID?
  private let multiplexer: Multiplexer
  private let lock = Lock()
  /// Guarded by the lock: calls come from other threads.
  private var channel: (any Channel)?, isAborted = false

  private var completion: ((Result<MultiplexedConnection, PluginError>) -> Void)?
  private var peer: PeerID?, refusal: PluginError?
  private let nonce: [UInt8]
  private var early = ByteBuffer()
  private var isOpen = false, isPumping = false, isClosing = false

  init(_ node: TcpNode, role: Multiplexer.Role, expecting expected: PeerID? = nil, completion: @escaping (Result<MultiplexedConnection, PluginError>) -> Void) {
    (self.node, self.role, self.expected, self.completion) = (node, role, expected, completion)
    multiplexer = Multiplexer(role: role, settings: node.settings, timers: node.timers)
    var nonce = [UInt8](repeating: 0, count: Self.nonceSize)
    if let random = node.services.service("centram.random/1") as? any RandomService {
      nonce.withUnsafeMutableBytes { random.fill($0) }
    } else {
      for index in nonce.indices { nonce[index] = .random(in: 0...255) }
    }
    self.nonce = nonce
  }

  /// Sets up the pipeline. On the event loop.
  func install(on channel: any Channel) throws {
    lock.withLock { self.channel = channel }
    let verify: NIOSSLCustomVerificationCallback = { [self] certificates, promise in promise.succeed(judge(certificates) ? .certificateVerified : .failed) }
    let pipeline = channel.pipeline.syncOperations
    if role == .dialler {
      try pipeline.addHandler(NIOSSLClientHandler(context: node.clientContext, serverHostname: nil, customVerificationCallback: verify))
    } else {
      try pipeline.addHandler(NIOSSLServerHandler(context: node.serverContext, customVerificationCallback: verify))
    }
    try pipeline.addHandler(self)
    channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(node.dialNanoseconds))) { [weak self] in
      guard let self, !isOpen else { return }
      fail(PluginError(.unavailable, "the handshake took longer than \(node.dialNanoseconds / 1_000_000_000) s"))
    }
    if lock.withLock({ isAborted }) { channel.close(promise: nil) }
  }

  /// Exactly one certificate, with an Ed25519 key, and the expected one. That its owner holds the key, TLS proves.
  private func judge(_ certificates: [NIOSSLCertificate]) -> Bool {
    guard certificates.count == 1, let info = try? certificates[0].extractPublicKey().toSPKIBytes(), let key = ed25519Key(inPublicKeyInfo: info) else {
      refusal = PluginError(.unavailable, "the peer shows no certificate with an Ed25519 key")
      return false
    }
    guard expected?.equalsInConstantTime(key) ?? true else {
      refusal = PluginError(.unavailable, "another peer answered than the one that was dialled")
      return false
    }
    peer = key
    return true
  }

  // MARK: From the channel

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: nonce)), promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    if !isOpen {
      early.writeBuffer(&buffer)
      guard let theirs = early.readBytes(length: Self.nonceSize), let peer else { return }
      buffer = early
      early = ByteBuffer()
      open(peer, theirs)
    }
    buffer.withUnsafeReadableBytes { if !$0.isEmpty { multiplexer.receive($0) } }
  }

  private func open(_ peer: PeerID, _ theirs: [UInt8]) {
    isOpen = true
    let own = node.identity.peer, dials = role == .dialler
    let binding = channelBinding(
      diallerKey: dials ? own : peer, listenerKey: dials ? peer : own, diallerNonce: dials ? nonce : theirs, listenerNonce: dials ? theirs : nonce)
    let connection = MultiplexedConnection(multiplexer, peer: peer, channelBinding: binding)
    multiplexer.start(self)
    complete(.success(connection))
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { pump() }
    context.fireChannelWritabilityChanged()
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(refusal ?? PluginError(isOpen ? .closed : .unavailable, isOpen ? "the connection was lost" : "the peer closed the connection during the handshake"))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A peer that closes without TLS's goodbye says nothing new.
    fail(refusal ?? PluginError(isOpen ? .closed : .unavailable, isOpen ? "the connection was lost: \(error)" : "the handshake failed: \(error)"))
  }

  private func complete(_ result: Result<MultiplexedConnection, PluginError>) {
    completion?(result)
    completion = nil
  }

  private func fail(_ error: PluginError) {
    complete(.failure(error))
    multiplexer.pipeClosed(error)
    abort()
  }

  // MARK: From the multiplexer

  func outputIsReady() {
    guard let channel = lock.withLock({ channel }) else { return }
    if channel.eventLoop.inEventLoop { pump() } else { channel.eventLoop.execute { self.pump() } }
  }

  /// Takes from the multiplexer while the channel has room.
  private func pump() {
    guard isOpen, !isPumping, let channel = lock.withLock({ channel }) else { return }
    isPumping = true
    defer { isPumping = false }
    var wrote = false
    while channel.isWritable && !isClosing {
      var buffer = channel.allocator.buffer(capacity: 65_536)
      let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) { multiplexer.takeOutput(into: $0) }
      guard count > 0 else {
        if multiplexer.outputEnded { closeGently(channel) }
        break
      }
      channel.write(buffer, promise: nil)
      wrote = true
    }
    if wrote { channel.flush() }
  }

  /// After what was written went out, or two seconds later.
  private func closeGently(_ channel: any Channel) {
    isClosing = true
    channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(promise: nil) }
    channel.eventLoop.scheduleTask(in: .seconds(2)) { [weak self] in self?.abort() }
  }

  /// Closes the socket without waiting for TLS's goodbye.
  func abort() {
    let channel = lock.withLock {
      isAborted = true
      defer { self.channel = nil }
      return self.channel
    }
    channel?.eventLoop.execute {
      guard let channel else { return }
      let pipeline = channel.pipeline.syncOperations
      let below = (try? pipeline.context(handlerType: NIOSSLClientHandler.self)) ?? (try? pipeline.context(handlerType: NIOSSLServerHandler.self))
      if let below { below.close(promise: nil) } else { channel.close(promise: nil) }
    }
  }
}
