internal import CentramPluginAPI
internal import CentramTransportSupport
internal import NIOCore

/// A TCP connection's socket as a pipe of bytes. What is written is collected and goes to the event loop once for many writes.
final class TcpPipe: ChannelInboundHandler, BytePipe, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  /// Bytes that may wait here for the socket.
  static let limit = 512 << 10

  private let timers: any TransportTimers
  private let lock = Lock()
  // Guarded by the lock.
  private var channel: (any Channel)?
  private var outbox = ByteBuffer(), waiting = 0
  private var isScheduled = false, isClosing = false, isAborted = false
  private var secured: SecuredPipe?
  private var onActive: (@Sendable () -> Void)?, onHandshakeEnd: (@Sendable () -> Void)?

  init(_ timers: any TransportTimers) { self.timers = timers }

  /// - Parameters:
  ///   - onActive: when the socket is connected.
  ///   - onHandshakeEnd: once, when `handshakeEnded` was called or the socket is gone.
  func attach(_ secured: SecuredPipe, onHandshakeEnd: (@Sendable () -> Void)? = nil, onActive: (@Sendable () -> Void)? = nil) {
    lock.withLock { (self.secured, self.onHandshakeEnd, self.onActive) = (secured, onHandshakeEnd, onActive) }
  }

  /// On the event loop.
  func install(on channel: any Channel) throws {
    let aborted = lock.withLock {
      self.channel = channel
      return isAborted
    }
    try channel.pipeline.syncOperations.addHandler(self)
    if aborted { channel.close(promise: nil) }
  }

  func handshakeEnded() {
    let call = lock.withLock {
      defer { onHandshakeEnd = nil }
      return onHandshakeEnd
    }
    call?()
  }

  // MARK: From the socket

  func channelActive(context: ChannelHandlerContext) {
    let call = lock.withLock {
      defer { onActive = nil }
      return onActive
    }
    call?()
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    guard let secured = lock.withLock({ secured }) else { return }
    buffer.withUnsafeReadableBytes { secured.received($0) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    lost("the connection was lost")
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    lost("the connection was lost: \(error)")
    context.close(promise: nil)
  }

  private func lost(_ why: String) {
    let pipe = lock.withLock {
      defer { (secured, channel, isAborted) = (nil, nil, true) }
      return secured
    }
    handshakeEnded()
    pipe?.pipeClosed(PluginError(.closed, why))
  }

  // MARK: BytePipe

  var room: Int { lock.withLock { isAborted ? 0 : Self.limit - waiting } }

  func write(_ bytes: [UInt8]) {
    let target: (any Channel)? = lock.withLock {
      guard !isAborted, let channel else { return nil }
      outbox.writeBytes(bytes)
      waiting += bytes.count
      defer { isScheduled = true }
      return isScheduled ? nil : channel
    }
    target?.eventLoop.execute { [self] in send() }
  }

  private func send() {
    let (bytes, target) = lock.withLock {
      defer { (outbox, isScheduled) = (ByteBuffer(), false) }
      return (outbox, channel)
    }
    guard let target, bytes.readableBytes > 0 else { return }
    target.writeAndFlush(bytes).whenComplete { [self] _ in
      let (hasRoom, closes): (SecuredPipe?, Bool) = lock.withLock {
        let wasFull = waiting >= Self.limit
        waiting -= bytes.readableBytes
        return (wasFull && waiting < Self.limit ? secured : nil, isClosing && waiting == 0)
      }
      hasRoom?.pipeHasRoom()
      if closes { target.close(promise: nil) }
    }
  }

  /// After what was written went out, or two seconds later.
  func close() {
    let idle: (any Channel)? = lock.withLock {
      isClosing = true
      return waiting == 0 ? channel : nil
    }
    idle?.close(promise: nil)
    timers.schedule(after: 2_000_000_000) { [weak self] in self?.abort() }
  }

  func abort() {
    let open = lock.withLock {
      isAborted = true
      return channel
    }
    open?.close(promise: nil)
  }
}
