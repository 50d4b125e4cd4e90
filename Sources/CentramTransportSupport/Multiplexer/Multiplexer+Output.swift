extension Multiplexer {
  /// Writes frames into `buffer`, answers before data, the streams in turns.
  /// - Parameter buffer: 300 bytes at least.
  /// - Returns: how many bytes are to be sent; 0: nothing now, `outputIsReady` will tell.
  public func takeOutput(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    locked {
      var used = control.take(into: buffer)
      if control.isEmpty { controlFrames = 0 }
      if end == nil && control.isEmpty { used += takeData(into: UnsafeMutableRawBufferPointer(rebasing: buffer[used...])) }
      if used == 0 {
        outputIsTaken()
        if end != nil && !isDrained {
          isDrained = true
          timer?.cancel()
        }
      }
      return used
    }
  }

  private func takeData(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let limits = peerLimits else { return 0 }
    var used = 0, turn = 0
    // A frame of a few bytes is only worth its header where there is nothing else.
    while turn < ready.count, buffer.count - used > (used == 0 ? MuxFrame.headerSize : 1_024) {
      let stream = ready[turn]
      turn += 1
      stream.isReady = false
      guard stream.failure == nil else { continue }
      let waiting = stream.sender.map { $0.bytes.count - $0.taken } ?? 0
      let count = max(0, min(waiting, stream.sendWindow, sendWindow, limits.payload, buffer.count - used - MuxFrame.headerSize))
      let opens = !stream.openSent, ends = stream.finishWanted && !stream.finishSent && stream.sender == nil
      guard count > 0 || opens || ends else { continue }
      let flags = (opens ? MuxFrame.opens : 0) | (ends ? MuxFrame.ends : 0)
      MuxFrame.writeHeader(.data, flags: flags, stream: stream.id, length: count, to: UnsafeMutableRawBufferPointer(rebasing: buffer[used...]))
      used += MuxFrame.headerSize
      stream.openSent = true
      if count > 0, let sender = stream.sender {
        buffer.baseAddress!.advanced(by: used).copyMemory(from: sender.bytes.baseAddress! + sender.taken, byteCount: count)
        used += count
        stream.sendWindow -= count
        sendWindow -= count
        stream.sender?.taken += count
        if sender.taken + count == sender.bytes.count {
          stream.sender = nil
          wake { sender.continuation.resume(returning: .success(())) }
        } else if stream.sendWindow > 0 && sendWindow > 0 {
          makeReady(stream)
        }
      }
      if ends {
        stream.finishSent = true
        removeIfDone(stream)
      }
    }
    if turn > 0 { ready.removeFirst(turn) }
    return used
  }

  func makeReady(_ stream: MuxStream) {
    guard !stream.isReady else { return }
    stream.isReady = true
    ready.append(stream)
    wantOutput()
  }

  func removeIfDone(_ stream: MuxStream) {
    guard stream.finishSent, stream.endReceived else { return }
    remove(stream)
  }

  func remove(_ stream: MuxStream) {
    guard streams.removeValue(forKey: stream.id) != nil else { return }
    if stream.isLocal {
      openHere -= 1
      admitOpeners()
    } else {
      openThere -= 1
    }
  }

  /// Gives numbers to those who wait to open a stream, as far as the peer allows.
  func admitOpeners() {
    guard let limits = peerLimits else { return }
    while openHere < limits.streams, !openers.isEmpty {
      let opener = openers.removeFirst()
      guard nextStream < UInt32.max - 2 else {
        wake { opener.continuation.resume(returning: .failure(.init(.limitExceeded, "this connection has used up its stream numbers; dial again"))) }
        continue
      }
      let stream = MuxStream(id: nextStream, isLocal: true, sendWindow: limits.streamWindow, receiveWindow: settings.streamWindow)
      nextStream += 2
      openHere += 1
      streams[stream.id] = stream
      makeReady(stream)
      wake { opener.continuation.resume(returning: .success(stream)) }
    }
  }

  /// Grants the peer anew what was read here, in steps of half a window.
  func grant(_ count: Int, of stream: MuxStream) {
    guard end == nil, count > 0 else { return }
    grantConnection(count)
    guard !stream.endReceived, stream.failure == nil, streams[stream.id] != nil else { return }
    stream.credit += count
    if stream.credit >= settings.streamWindow / 2 {
      stream.receiveWindow += stream.credit
      sendControl(MuxFrame.control(.window, stream: stream.id, MuxFrame.bytes(of: UInt32(stream.credit))))
      stream.credit = 0
    }
  }

  func grantConnection(_ count: Int) {
    credit += count
    if credit >= settings.connectionWindow / 2 {
      receiveWindow += credit
      sendControl(MuxFrame.control(.window, MuxFrame.bytes(of: UInt32(credit))))
      credit = 0
    }
  }
}
