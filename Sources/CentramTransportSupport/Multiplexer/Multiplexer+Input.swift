internal import CentramPluginAPI

extension Multiplexer {
  /// Takes what arrived. From one thread at a time.
  public func receive(_ bytes: UnsafeRawBufferPointer) {
    locked {
      lastHeard = timers.nanoseconds
      var input = bytes
      do throws(TransportSupportError) {
        while end == nil, let event = try decoder.next(&input) { try handle(event) }
      } catch {
        fail(error)
      }
    }
  }

  private func handle(_ event: MuxEvent) throws(TransportSupportError) {
    switch event {
    case .data(let id, let opens, let length): try beginData(id, opens, length)
    case .bytes(let bytes): deliver(bytes)
    case .dataEnd(let ends): if ends { endCurrent() }
    case .window(let id, let increment): try widen(id, Int(increment))
    case .reset(let id, let code):
      if let stream = streams[id] {
        drop(stream, PluginError(.closed, "the peer reset the stream with code \(code)"))
      } else {
        try requireOnceOpen(id)
      }
    case .ping(let payload): sendControl(MuxFrame.control(.pong, payload))
    case .pong: break
    case .close(let code, let reason): finish(PluginError(.closed, "the peer closed the connection with code \(code): \(reason)"), telling: nil)
    case .settings(let streamWindow, let connectionWindow, let streams, let payload):
      peerLimits = (streamWindow, streams, payload)
      sendWindow = connectionWindow
      admitOpeners()
      wantOutput()
    }
  }

  private func beginData(_ id: UInt32, _ opens: Bool, _ length: Int) throws(TransportSupportError) {
    if opens { try openByPeer(id) }
    guard length <= receiveWindow else {
      throw TransportSupportError(.flowControl, "\(length) bytes for stream \(id), where the connection may get \(receiveWindow) more")
    }
    receiveWindow -= length
    current = streams[id]
    guard let stream = current else {
      try requireOnceOpen(id)
      return
    }
    guard !stream.endReceived else { throw TransportSupportError(.badStream, "data for stream \(id) after its end") }
    guard length <= stream.receiveWindow else {
      throw TransportSupportError(.flowControl, "\(length) bytes for stream \(id), which may get \(stream.receiveWindow) more")
    }
    stream.receiveWindow -= length
  }

  private func openByPeer(_ id: UInt32) throws(TransportSupportError) {
    guard id % 2 != nextStream % 2, id > lastPeerStream else {
      throw TransportSupportError(.badStream, "the peer opens stream \(id), which is not its own or not higher than its last")
    }
    guard openThere < settings.maximumStreams else {
      throw TransportSupportError(.tooMany, "the peer opens stream \(id) beside \(openThere) others; the limit is \(settings.maximumStreams)")
    }
    let stream = MuxStream(id: id, isLocal: false, sendWindow: peerLimits?.streamWindow ?? 0, receiveWindow: settings.streamWindow)
    stream.openSent = true
    lastPeerStream = id
    streams[id] = stream
    openThere += 1
    // At once, so that a reset that follows finds it. There is room: a stream that nobody accepted is still open.
    accepted.offer(stream)
  }

  private func requireOnceOpen(_ id: UInt32) throws(TransportSupportError) {
    let isOwn = id % 2 == nextStream % 2
    let known = id != 0 && (isOwn ? id < nextStream : id <= lastPeerStream)
    guard known else { throw TransportSupportError(.badStream, "a frame for stream \(id), which was never opened") }
  }

  private func deliver(_ bytes: UnsafeRawBufferPointer) {
    // Sent before the peer knew that the stream is gone, or that nobody reads it any more: not kept, so granted at once.
    guard let stream = current else { return grantConnection(bytes.count) }
    guard !stream.isAbandoned else { return grant(bytes.count, of: stream) }
    var rest = bytes
    if let receiver = stream.receiver, stream.received.isEmpty, rest.count > 0 {
      let count = min(rest.count, receiver.buffer.count)
      receiver.buffer.baseAddress!.copyMemory(from: rest.baseAddress!, byteCount: count)
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      stream.receiver = nil
      wake { receiver.continuation.resume(returning: .success(count)) }
      grant(count, of: stream)
    }
    stream.received.append(rest)
  }

  private func endCurrent() {
    guard let stream = current else { return }
    stream.endReceived = true
    if let receiver = stream.receiver, stream.received.isEmpty {
      stream.receiver = nil
      wake { receiver.continuation.resume(returning: .success(0)) }
    }
    current = nil
    removeIfDone(stream)
  }

  private func widen(_ id: UInt32, _ increment: Int) throws(TransportSupportError) {
    let limit = MultiplexerSettings.windowRange.upperBound
    guard increment > 0, increment <= limit else { throw TransportSupportError(.flowControl, "a window is widened by \(increment)") }
    if id == 0 {
      guard sendWindow + increment <= limit else { throw TransportSupportError(.flowControl, "the connection's window would be \(sendWindow + increment), more than \(limit)") }
      sendWindow += increment
      for stream in streams.values.sorted(by: { $0.id < $1.id }) where stream.sender != nil { makeReady(stream) }
    } else if let stream = streams[id] {
      guard stream.sendWindow + increment <= limit else {
        throw TransportSupportError(.flowControl, "the window of stream \(id) would be \(stream.sendWindow + increment), more than \(limit)")
      }
      stream.sendWindow += increment
      if stream.sender != nil { makeReady(stream) }
    } else {
      try requireOnceOpen(id)
    }
  }

  /// Ends a stream in both directions at once, and returns to the connection what lay unread.
  func drop(_ stream: MuxStream, _ error: PluginError) {
    guard stream.failure == nil else { return }
    let unread = stream.received.count
    stream.fail(error, waking: self)
    grant(unread, of: stream)
    if current === stream { current = nil }
    if !stream.isLocal { accepted.remove { $0 === stream } }
    remove(stream)
  }
}
