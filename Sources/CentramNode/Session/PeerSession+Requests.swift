public import CentramWire

extension PeerSession {
  /// Sends a request and waits for its answer.
  /// - Parameter milliseconds: how long to wait; nil: as the limit says.
  /// - Throws: `.refused` with the peer's sentence, `.timedOut`, `.disconnected`, `.limit` where too many requests wait.
  public func request<Answer: WireMessage>(
    _ message: some WireMessage, for answer: Answer.Type = Answer.self, milliseconds: Int? = nil
  ) async throws(SessionError) -> Answer {
    let frame = try await requestFrame(message, milliseconds: milliseconds)
    do throws(WireError) { return try frame.message(answer) } catch {
      throw SessionError(.malformed, "the answer to \(type(of: message).messageType) is no \(Answer.messageType): \(error.message)")
    }
  }

  /// The same for answers of several types.
  public func requestFrame(_ message: some WireMessage, milliseconds: Int? = nil) async throws(SessionError) -> Frame {
    guard pending.count < services.limits[.pendingRequests] else {
      services.counters.reached(.pendingRequests)
      throw SessionError(.limit, "\(pending.count) requests to the peer wait for answers; pendingRequests is \(services.limits[.pendingRequests])")
    }
    guard let link else { throw SessionError(.disconnected, "the peer is not connected") }
    if await link.queue.waitForRoom(services.limits[.bytesSentInFlight]) { services.counters.reached(.bytesSentInFlight) }
    let sequence = try post(message, replyExpected: true)
    let deadline = now + UInt64(max(0, milliseconds ?? services.limits[.requestMilliseconds])) * 1_000_000
    let result: Result<Frame, SessionError> = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<Frame, SessionError>, Never>) in
        if Task.isCancelled {
          continuation.resume(returning: .failure(SessionError(.closed, "the request was given up")))
        } else {
          pending[sequence] = PendingRequest(deadline: deadline, continuation: continuation)
        }
      }
    } onCancel: {
      services.scope.start { await self.giveUp(sequence) }
    }
    return try result.get()
  }

  private func giveUp(_ sequence: UInt64) { settle(sequence, .failure(SessionError(.closed, "the request was given up"))) }

  /// - Returns: whether somebody waited for it.
  @discardableResult func settle(_ sequence: UInt64, _ result: Result<Frame, SessionError>) -> Bool {
    guard let request = pending.removeValue(forKey: sequence) else { return false }
    request.continuation.resume(returning: result)
    return true
  }

  /// Ends requests whose time is over.
  func expireRequests(_ now: UInt64) {
    for (sequence, _) in pending.filter({ $0.value.deadline <= now }).sorted(by: { $0.key < $1.key }) {
      services.counters.reached(.requestMilliseconds)
      settle(sequence, .failure(SessionError(.timedOut, "the peer did not answer in time")))
    }
  }

  // MARK: What the peer asks

  /// Gives a message to its handler: requests at once and side by side, everything else in order.
  func dispatch(_ incoming: IncomingMessage, _ type: MessageType) async {
    guard let handler = services.handlers.handler(for: type) else {
      services.counters.add(.unhandledTypes)
      refuse(incoming.frame, .notAllowed, "this node does nothing with \(type)")
      return
    }
    if incoming.frame.header.flags.contains(.replyExpected) {
      guard served < services.limits[.servedRequests] else {
        services.counters.reached(.servedRequests)
        refuse(incoming.frame, .busy, "\(served) requests are being worked on; servedRequests is \(services.limits[.servedRequests])")
        return
      }
      served += 1
      handledBytes += incoming.frame.countWithBulk
      services.scope.start { await self.answer(incoming, handler) }
    } else {
      await waitForInbox()
      inbox.append(incoming)
      handledBytes += incoming.frame.countWithBulk
      guard !isDraining else { return }
      isDraining = true
      services.scope.start { await self.drain() }
    }
  }

  private func answer(_ incoming: IncomingMessage, _ handler: HandlerRegistry.Handler) async {
    await handle(incoming, handler)
    served -= 1
    handledBytes -= incoming.frame.countWithBulk
    wakeReaders()
  }

  private func drain() async {
    while !inbox.isEmpty, state != .ended {
      let incoming = inbox.removeFirst()
      if let type = MessageType(rawValue: incoming.frame.header.type), let handler = services.handlers.handler(for: type) { await handle(incoming, handler) }
      handledBytes -= incoming.frame.countWithBulk
      wakeReaders()
    }
    isDraining = false
  }

  private func handle(_ incoming: IncomingMessage, _ handler: HandlerRegistry.Handler) async {
    do {
      if let reply = try await handler(incoming) { try await send(reply, inReplyTo: incoming.frame.header.sequence) }
    } catch let error as SessionError {
      // Without a connection there is nobody to tell.
      if error.code == .malformed { punish(10) }
      refuse(incoming.frame, HandshakeRefusal.code(error.code), error.message)
    } catch let error as WireError {
      punish(10)
      refuse(incoming.frame, .malformedMessage, error.message)
    } catch {
      services.log(.error, "the handler of type \(incoming.frame.header.type) failed: \(error)")
      refuse(incoming.frame, .internal, "the node could not do it")
    }
  }

  /// Suspends a reader while the peer's messages fill what is kept for it.
  private func waitForInbox() async {
    while state != .ended {
      if inbox.count >= services.limits[.inboxMessages] {
        services.counters.reached(.inboxMessages)
      } else if handledBytes >= services.limits[.bytesReceivedInFlight] {
        services.counters.reached(.bytesReceivedInFlight)
      } else {
        return
      }
      if Task.isCancelled { return }
      await inboxRoom.wait()
    }
  }

  private func wakeReaders() {
    let room = inboxRoom
    inboxRoom = Signal()
    room.send()
  }
}
