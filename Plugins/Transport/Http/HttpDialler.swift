internal import CentramPluginAPI
internal import CentramTransportSupport

/// The dialler's end of one connection: one request that carries bytes up, where there are any, and one that waits for bytes from above.
final class HttpDialler: BytePipe, @unchecked Sendable {
  private let node: HttpNode, target: TransportAddress, path: String
  private let upper: HttpCaller, lower: HttpCaller
  private let lock = Lock()
  private let sent = RetainedBytes()
  private var received: UInt64 = 0
  private var isSending = false, isPolling = false, isEnding = false, isGone = false, everAnswered = false
  private var failures = (up: 0, down: 0), lastAnswer: UInt64
  private var secured: SecuredPipe?

  init(_ node: HttpNode, target: TransportAddress) {
    (self.node, self.target) = (node, target)
    path = "/centram/1/\(node.newSession())"
    (upper, lower) = (HttpCaller(node, target), HttpCaller(node, target))
    lastAnswer = node.timers.nanoseconds
  }

  func start(_ secured: SecuredPipe) {
    lock.withLock { self.secured = secured }
    secured.start()
  }

  // MARK: BytePipe

  var room: Int { lock.withLock { isGone ? 0 : HttpNode.retainedLimit - sent.count } }

  func write(_ bytes: [UInt8]) {
    lock.withLock { bytes.withUnsafeBytes { sent.append($0) } }
    sendUp()
  }

  func close() {
    lock.withLock { isEnding = true }
    node.timers.schedule(after: 2_000_000_000) { [weak self] in self?.leave() }
    sendUp()
  }

  func abort() { leave() }

  /// Tells the server, without waiting for its answer, and drops the connections.
  private func leave() {
    let (first, known) = lock.withLock {
      defer { (isGone, secured) = (true, nil) }
      return (!isGone, everAnswered)
    }
    guard first else { return }
    lower.close()
    guard known else { return upper.close() }
    upper.post(path + "/end", offset: 0, limit: 2_000_000_000) { [upper] _ in upper.close() }
  }

  // MARK: Up

  private func sendUp() {
    let next: (offset: UInt64, body: [UInt8])? = lock.withLock {
      guard !isSending, !isGone, let body = sent.bytes(from: sent.acknowledged, limit: HttpNode.bodyLimit), !body.isEmpty else { return nil }
      isSending = true
      return (sent.acknowledged, body)
    }
    guard let next else {
      if lock.withLock({ isEnding && !isSending && !isGone }) { leave() }
      return
    }
    upper.post(path + "/up", offset: next.offset, body: next.body, limit: node.handshakeNanoseconds) { [self] result in
      // On a thread of its own order: what is freed below may call back.
      node.timers.schedule(after: 0) { [self] in sentUp(result) }
    }
  }

  private func sentUp(_ result: Result<HttpAnswer, HttpCaller.Failure>) {
    switch result {
    case .success(let answer) where answer.status == 200 || answer.status == 409:
      let (valid, pipe) = lock.withLock {
        (isSending, everAnswered, failures.up, lastAnswer) = (false, true, 0, node.timers.nanoseconds)
        return (answer.offset >= sent.acknowledged && sent.acknowledge(answer.offset), secured)
      }
      guard valid else { return fail(PluginError(.closed, "the server acknowledges \(answer.offset) bytes, which do not fit those sent")) }
      pollDown()
      pipe?.pipeHasRoom()
      sendUp()
    case .success(let answer): fail(refusal(answer.status))
    case .failure(let failure):
      let delay = lock.withLock {
        failures.up += 1
        return retryDelay(failures.up)
      }
      retry(failure, delay) { [self] in
        lock.withLock { isSending = false }
        sendUp()
      }
    }
  }

  // MARK: Down

  private func pollDown() {
    let offset: UInt64? = lock.withLock {
      guard !isPolling, !isGone else { return nil }
      isPolling = true
      return received
    }
    guard let offset else { return }
    lower.post(path + "/down", offset: offset, limit: node.pollNanoseconds + node.handshakeNanoseconds) { [self] result in
      node.timers.schedule(after: 0) { [self] in cameDown(result) }
    }
  }

  private func cameDown(_ result: Result<HttpAnswer, HttpCaller.Failure>) {
    switch result {
    case .success(let answer) where answer.status == 200:
      let (valid, fresh, pipe): (Bool, ArraySlice<UInt8>, SecuredPipe?) = lock.withLock {
        (failures.down, lastAnswer) = (0, node.timers.nanoseconds)
        // Of a repeated answer only what is new.
        guard answer.offset <= received else { return (false, [], nil) }
        let known = Int(min(received - answer.offset, UInt64(answer.body.count)))
        received += UInt64(answer.body.count - known)
        return (true, answer.body[known...], secured)
      }
      guard valid else { return fail(PluginError(.closed, "the server answers from byte \(answer.offset) on, and earlier ones are missing")) }
      if !fresh.isEmpty { fresh.withUnsafeBytes { pipe?.received($0) } }
      lock.withLock { isPolling = false }
      pollDown()
    case .success(let answer): fail(refusal(answer.status))
    case .failure(let failure):
      let delay = lock.withLock {
        failures.down += 1
        return retryDelay(failures.down)
      }
      retry(failure, delay) { [self] in
        lock.withLock { isPolling = false }
        pollDown()
      }
    }
  }

  // MARK: Failures

  private func refusal(_ status: Int) -> PluginError {
    status == 410 ? PluginError(.closed, "the peer closed the connection") : PluginError(.unavailable, "\(target) answered with the status \(status)")
  }

  /// 50 ms, then twice as long each time, up to 2 s.
  private func retryDelay(_ failures: Int) -> UInt64 { min(2_000_000_000, 50_000_000 << UInt64(min(failures - 1, 6))) }

  private func retry(_ failure: HttpCaller.Failure, _ delay: UInt64, _ again: @escaping @Sendable () -> Void) {
    let (gone, known, silence) = lock.withLock { (isGone, everAnswered, node.timers.nanoseconds &- lastAnswer) }
    guard !gone else { return }
    switch failure {
    case .unreachable(let why) where !known: fail(PluginError(.unavailable, why))
    case .unreachable(let why) where silence > node.retryNanoseconds: fail(PluginError(.closed, why))
    case .cut(let why) where silence > node.retryNanoseconds: fail(PluginError(.closed, why))
    default: node.timers.schedule(after: delay, again)
    }
  }

  private func fail(_ error: PluginError) {
    let pipe = lock.withLock { secured }
    pipe?.pipeClosed(error)
    leave()
  }
}
