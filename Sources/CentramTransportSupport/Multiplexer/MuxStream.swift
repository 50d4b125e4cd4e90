internal import CentramPluginAPI

/// One stream's state, guarded by its multiplexer's lock.
final class MuxStream: @unchecked Sendable {
  struct Sender {
    var bytes: UnsafeRawBufferPointer, taken = 0
    let ticket: UInt64, continuation: UnsafeContinuation<Result<Void, PluginError>, Never>
  }
  struct Receiver {
    let buffer: UnsafeMutableRawBufferPointer
    let ticket: UInt64, continuation: UnsafeContinuation<Result<Int, PluginError>, Never>
  }

  let id: UInt32, isLocal: Bool
  var sendWindow: Int, receiveWindow: Int, credit = 0
  var sender: Sender?, receiver: Receiver?
  let received = ByteQueue()
  var openSent = false, finishWanted = false, finishSent = false, endReceived = false
  /// Whether its user let go of it: what still arrives is dropped.
  var isAbandoned = false
  /// Whether it stands in the line of those that may send.
  var isReady = false
  var failure: PluginError?

  init(id: UInt32, isLocal: Bool, sendWindow: Int, receiveWindow: Int) {
    (self.id, self.isLocal, self.sendWindow, self.receiveWindow) = (id, isLocal, sendWindow, receiveWindow)
  }

  /// Ends all that waits, now and later. What lay unread is gone.
  func fail(_ error: PluginError, waking multiplexer: Multiplexer) {
    guard failure == nil else { return }
    failure = error
    if let sender { multiplexer.wake { sender.continuation.resume(returning: .failure(error)) } }
    if let receiver { multiplexer.wake { receiver.continuation.resume(returning: .failure(error)) } }
    (sender, receiver) = (nil, nil)
    received.removeAll()
  }
}

extension Multiplexer {
  func open() async throws(PluginError) -> MuxStream {
    let ticket = locked { nextTicket() }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<MuxStream, PluginError>, Never>) in
        locked {
          if let error = end ?? (Task.isCancelled ? .waitCancelled : nil) { return wake { continuation.resume(returning: .failure(error)) } }
          openers.append((ticket, continuation))
          admitOpeners()
        }
      }
    } onCancel: {
      locked {
        guard let index = openers.firstIndex(where: { $0.ticket == ticket }) else { return }
        let opener = openers.remove(at: index)
        wake { opener.continuation.resume(returning: .failure(.waitCancelled)) }
      }
    }
    return try result.get()
  }

  func send(_ bytes: UnsafeRawBufferPointer, on stream: MuxStream) async throws(PluginError) {
    let ticket = locked { nextTicket() }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Void, PluginError>, Never>) in
        locked {
          if let error = refusal(stream) { return wake { continuation.resume(returning: .failure(error)) } }
          guard bytes.count > 0 else { return wake { continuation.resume(returning: .success(())) } }
          stream.sender = MuxStream.Sender(bytes: bytes, ticket: ticket, continuation: continuation)
          if !stream.openSent || stream.sendWindow > 0 && sendWindow > 0 { makeReady(stream) }
        }
      }
    } onCancel: {
      locked {
        guard let sender = stream.sender, sender.ticket == ticket else { return }
        stream.sender = nil
        wake { sender.continuation.resume(returning: .failure(.waitCancelled)) }
        // Half a write would shift what follows.
        if sender.taken > 0 { resetLocally(stream, code: 0, "a send was cancelled after a part of its bytes had gone") }
      }
    }
    return try result.get()
  }

  private func refusal(_ stream: MuxStream) -> PluginError? {
    if let failure = stream.failure ?? end { return failure }
    if stream.finishWanted { return PluginError(.closed, "the stream was finished; nothing more can be sent on it") }
    if stream.sender != nil { return PluginError(.invalid, "another send waits on the stream; one at a time") }
    return Task.isCancelled ? .waitCancelled : nil
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer, on stream: MuxStream) async throws(PluginError) -> Int {
    guard buffer.count > 0 else { throw PluginError(.invalid, "a buffer of 0 bytes can receive nothing") }
    if let ready = locked({ readyToReceive(buffer, stream) }) { return try ready.get() }
    let ticket = locked { nextTicket() }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Int, PluginError>, Never>) in
        locked {
          if let ready = readyToReceive(buffer, stream) { return wake { continuation.resume(returning: ready) } }
          stream.receiver = MuxStream.Receiver(buffer: buffer, ticket: ticket, continuation: continuation)
        }
      }
    } onCancel: {
      locked {
        guard let receiver = stream.receiver, receiver.ticket == ticket else { return }
        stream.receiver = nil
        wake { receiver.continuation.resume(returning: .failure(.waitCancelled)) }
      }
    }
    return try result.get()
  }

  private func readyToReceive(_ buffer: UnsafeMutableRawBufferPointer, _ stream: MuxStream) -> Result<Int, PluginError>? {
    if let failure = stream.failure { return .failure(failure) }
    if Task.isCancelled { return .failure(.waitCancelled) }
    if stream.receiver != nil { return .failure(PluginError(.invalid, "another receive waits on the stream; one at a time")) }
    let count = stream.received.take(into: buffer)
    if count > 0 {
      grant(count, of: stream)
      return .success(count)
    }
    if stream.endReceived { return .success(0) }
    return end.map { .failure($0) }
  }

  func finish(_ stream: MuxStream) throws(PluginError) {
    let error: PluginError? = locked {
      if let failure = stream.failure ?? (stream.finishWanted ? nil : end) { return failure }
      stream.finishWanted = true
      if end == nil, !stream.finishSent { makeReady(stream) }
      return nil
    }
    if let error { throw error }
  }

  func reset(_ stream: MuxStream, code: UInt64) { locked { resetLocally(stream, code: code, "this side reset the stream with code \(code)") } }

  private func resetLocally(_ stream: MuxStream, code: UInt64, _ why: String) {
    guard stream.failure == nil else { return }
    let isOpen = streams[stream.id] != nil
    drop(stream, PluginError(.closed, why))
    if isOpen, stream.openSent, end == nil { sendControl(MuxFrame.control(.reset, stream: stream.id, MuxFrame.bytes(of: code))) }
  }
}
