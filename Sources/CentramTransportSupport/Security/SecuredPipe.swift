public import CentramPluginAPI

/// An ordered, reliable pipe of bytes that anyone may read and write: what lies under a `SecuredPipe`.
public protocol BytePipe: AnyObject, Sendable {
  /// How many bytes it takes now. When it has grown from 0, `SecuredPipe.pipeHasRoom` is called.
  var room: Int { get }
  /// Never refused, and never calls back; a caller that does not look at `room` first only wastes memory.
  func write(_ bytes: [UInt8])
  /// Ends after what was written.
  func close()
  func abort()
}

/// A secure channel and a multiplexer on a plain pipe. The pipe's owner calls `received`, from one thread at a time, and `pipeClosed` once.
public final class SecuredPipe: MultiplexerDriver, @unchecked Sendable {
  /// The connection, once the handshake is over.
  public let connection = WaitQueue<MultiplexedConnection>()
  private let pipe: any BytePipe
  private let multiplexer: Multiplexer
  private let pump = SerialPump()
  private let lock = Lock()
  private let channel: SecureChannel
  private var isEstablished = false, hasClosedPipe = false
  private let onEstablished: (@Sendable (MultiplexedConnection) -> Void)?

  /// - Parameter onEstablished: gets the connection instead of the queue `connection`.
  public init(
    _ pipe: any BytePipe, role: Multiplexer.Role, identity: NodeIdentity, expecting expected: PeerID?, settings: MultiplexerSettings, timers: any TransportTimers,
    onEstablished: (@Sendable (MultiplexedConnection) -> Void)? = nil
  ) throws(TransportSupportError) {
    (self.pipe, self.onEstablished) = (pipe, onEstablished)
    channel = try SecureChannel(isListener: role == .listener, identity: identity, expecting: expected)
    multiplexer = Multiplexer(role: role, settings: settings, timers: timers)
  }

  /// The dialler speaks first.
  public func start() { advance(UnsafeRawBufferPointer(start: nil, count: 0)) }

  public func received(_ bytes: UnsafeRawBufferPointer) { advance(bytes) }

  private func advance(_ bytes: UnsafeRawBufferPointer) {
    do throws(TransportSupportError) {
      let new: MultiplexedConnection? = try lock.withLock { () throws(TransportSupportError) in
        guard !isEstablished else {
          try channel.feed(bytes)
          return nil
        }
        defer { flush() }
        guard try channel.handshake(bytes), let peer = channel.peer else { return nil }
        isEstablished = true
        return MultiplexedConnection(multiplexer, peer: peer, channelBinding: channel.binding)
      }
      if let new {
        multiplexer.start(self)
        if let onEstablished { onEstablished(new) } else { connection.offer(new) }
      }
      if lock.withLock({ isEstablished }) { try readAll() }
    } catch {
      lock.withLock { flush() }
      end(error.pluginError, aborting: false)
    }
  }

  private func readAll() throws(TransportSupportError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 32_768, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      guard let count = try lock.withLock({ () throws(TransportSupportError) in try channel.read(into: buffer) }) else {
        return end(PluginError(.closed, "the peer ended the secure channel"), aborting: false)
      }
      guard count > 0 else { return }
      multiplexer.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// Under the lock: records go out in the order in which they were made.
  private func flush() {
    let output = channel.takeOutput()
    if !output.isEmpty { pipe.write(output) }
  }

  public func pipeHasRoom() { outputIsReady() }

  public func outputIsReady() {
    pump.run {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)
      defer { buffer.deallocate() }
      while lock.withLock({ isEstablished && !hasClosedPipe }), pipe.room > 0 {
        let count = multiplexer.takeOutput(into: buffer)
        guard count > 0 else {
          if multiplexer.outputEnded { closePipe(aborting: false) }
          return
        }
        do throws(TransportSupportError) {
          try lock.withLock { () throws(TransportSupportError) in
            try channel.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            flush()
          }
        } catch { return end(error.pluginError, aborting: true) }
      }
    }
  }

  public func abort() { closePipe(aborting: true) }

  /// The pipe is gone, or must go.
  public func pipeClosed(_ error: PluginError) { end(error, aborting: true) }

  private func end(_ error: PluginError, aborting: Bool) {
    connection.close(error)
    // First, for the multiplexer asks for an abort, and the channel's last words may still have to go.
    closePipe(aborting: aborting)
    multiplexer.pipeClosed(error)
  }

  private func closePipe(aborting: Bool) {
    let first = lock.withLock {
      defer { hasClosedPipe = true }
      return !hasClosedPipe
    }
    guard first else { return }
    if aborting { pipe.abort() } else { pipe.close() }
  }
}
