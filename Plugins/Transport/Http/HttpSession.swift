internal import CentramPluginAPI
internal import CentramTransportSupport

/// What a request gets.
struct HttpAnswer: Sendable {
  var status: Int, offset: UInt64 = 0, body: [UInt8] = []
  static let gone = HttpAnswer(status: 410)
}

/// The listener's end of one connection. Both directions are counted in bytes from 0, so a request that is repeated after a cut does nothing twice, and
/// what was not acknowledged is still here.
final class HttpSession: BytePipe, @unchecked Sendable {
  typealias Answering = @Sendable (HttpAnswer) -> Void

  let id: String
  private let node: HttpNode
  private let onEnd: @Sendable (HttpSession) -> Void
  private let lock = Lock()
  /// Held while arrived bytes are handed on: requests come on several threads, bytes have one order.
  private let order = Lock()
  private let sent = RetainedBytes()
  private var received: UInt64 = 0
  private var poll: (number: UInt64, offset: UInt64, answer: Answering)?
  private var polls: UInt64 = 0
  private var isEnding = false, isGone = false
  private var secured: SecuredPipe?
  private var idle: (any TransportTimer)?

  init(_ id: String, _ node: HttpNode, onEnd: @escaping @Sendable (HttpSession) -> Void) { (self.id, self.node, self.onEnd) = (id, node, onEnd) }

  func start(_ secured: SecuredPipe) {
    lock.withLock { self.secured = secured }
    touch()
  }

  /// Somebody asked: the session lives on.
  private func touch() {
    let next = node.timers.schedule(after: node.idleNanoseconds) { [weak self] in
      self?.end(PluginError(.closed, "no request came for \((self?.node.idleNanoseconds ?? 0) / 1_000_000_000) s"))
    }
    let last = lock.withLock {
      defer { idle = isGone ? nil : next }
      return isGone ? next : idle
    }
    last?.cancel()
  }

  // MARK: Requests

  /// Bytes from the dialler that begin at `offset`.
  func up(_ offset: UInt64, _ body: [UInt8], answer: Answering) {
    touch()
    order.lock()
    let (fresh, target, total): (ArraySlice<UInt8>, SecuredPipe?, UInt64) = lock.withLock {
      guard !isGone, offset <= received else { return ([], isGone ? nil : secured, received) }
      let known = Int(min(received - offset, UInt64(body.count)))
      received += UInt64(body.count - known)
      return (body[known...], secured, received)
    }
    if !fresh.isEmpty { fresh.withUnsafeBytes { target?.received($0) } }
    order.unlock()
    guard target != nil else { return answer(.gone) }
    // An offset beyond what came says so by the answer's, and the dialler goes back to it.
    answer(HttpAnswer(status: offset <= total ? 200 : 409, offset: total))
  }

  /// A request that waits for bytes from `offset` on, which acknowledges those before.
  func down(_ offset: UInt64, answer: @escaping Answering) {
    touch()
    let (refused, before, hasRoom): (Bool, Answering?, SecuredPipe?) = lock.withLock {
      let wasFull = sent.count >= HttpNode.retainedLimit
      guard offset >= sent.acknowledged, sent.acknowledge(offset) else { return (true, nil, nil) }
      polls += 1
      let before = poll?.answer
      poll = (polls, offset, answer)
      return (false, before, wasFull ? secured : nil)
    }
    guard !refused else { return answer(HttpAnswer(status: 400)) }
    before?(HttpAnswer(status: 200, offset: offset))
    let number = lock.withLock { polls }
    answerPoll()
    hasRoom?.pipeHasRoom()
    guard lock.withLock({ poll?.number == number }) else { return }
    node.timers.schedule(after: node.pollNanoseconds) { [weak self] in
      guard let self else { return }
      let expired = lock.withLock {
        guard let waiting = poll, waiting.number == number else { return nil as Answering? }
        poll = nil
        return waiting.answer
      }
      expired?(HttpAnswer(status: 200, offset: offset))
    }
  }

  /// Answers the request that waits, where there is something to say.
  private func answerPoll() {
    let (answer, with, done): (Answering?, HttpAnswer, Bool) = lock.withLock {
      guard let waiting = poll else { return (nil, .gone, false) }
      if let body = sent.bytes(from: waiting.offset, limit: HttpNode.bodyLimit), !body.isEmpty {
        poll = nil
        return (waiting.answer, HttpAnswer(status: 200, offset: waiting.offset, body: body), false)
      }
      guard isEnding || isGone else { return (nil, .gone, false) }
      poll = nil
      return (waiting.answer, .gone, true)
    }
    answer?(with)
    if done { end(PluginError(.closed, "the connection is closed")) }
  }

  /// The dialler says that it is done.
  func endedByPeer() { end(PluginError(.closed, "the peer closed the connection")) }

  func end(_ error: PluginError) {
    let (pipe, timer) = lock.withLock {
      defer { (secured, idle, isGone) = (nil, nil, true) }
      return (secured, idle)
    }
    timer?.cancel()
    pipe?.pipeClosed(error)
    answerPoll()
    onEnd(self)
  }

  // MARK: BytePipe

  var room: Int { lock.withLock { isGone ? 0 : HttpNode.retainedLimit - sent.count } }

  func write(_ bytes: [UInt8]) {
    lock.withLock { bytes.withUnsafeBytes { if !isGone { sent.append($0) } } }
    answerPoll()
  }

  func close() {
    lock.withLock { isEnding = true }
    // Not kept for ever for a dialler that does not come back.
    node.timers.schedule(after: node.retryNanoseconds) { [weak self] in self?.end(PluginError(.closed, "the connection is closed")) }
    answerPoll()
  }

  func abort() { close() }
}
