internal import CentramPluginAPI
internal import CentramTransportSupport

/// A message between two ends: type, the place of its first byte, how many bytes of the other direction have come, then bytes. Numbers are big-endian.
struct NatsMessage {
  enum Kind: UInt8 {
    /// Who wants to connect; the bytes are the connection's id.
    case open
    case data
    case acknowledge
    /// As `acknowledge`, and what follows is missing.
    case missing
    case close
  }
  static let headerSize = 17, pieceSize = 32 << 10

  let kind: Kind, offset: UInt64, acknowledged: UInt64, bytes: UnsafeRawBufferPointer

  init?(_ message: UnsafeRawBufferPointer) {
    guard message.count >= Self.headerSize, message.count <= Self.headerSize + Self.pieceSize, let kind = Kind(rawValue: message[0]) else { return nil }
    self.kind = kind
    offset = UInt64(bigEndian: message.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
    acknowledged = UInt64(bigEndian: message.loadUnaligned(fromByteOffset: 9, as: UInt64.self))
    bytes = UnsafeRawBufferPointer(rebasing: message[Self.headerSize...])
  }

  static func encode(_ kind: Kind, offset: UInt64 = 0, acknowledged: UInt64 = 0, _ bytes: [UInt8] = []) -> [UInt8] {
    var message = [kind.rawValue]
    message.reserveCapacity(headerSize + bytes.count)
    withUnsafeBytes(of: offset.bigEndian) { message.append(contentsOf: $0) }
    withUnsafeBytes(of: acknowledged.bigEndian) { message.append(contentsOf: $0) }
    message.append(contentsOf: bytes)
    return message
  }
}

/// One end of a connection over two subjects. What was not acknowledged is sent again: after half a second without progress, or when the other end says
/// that bytes are missing.
final class NatsPipe: BytePipe, @unchecked Sendable {
  static let retainedLimit = 1 << 20, burst = 256 << 10, patience: UInt64 = 500_000_000

  private let node: NatsNode, broker: NatsBroker, incoming: String, outgoing: String
  private let lock = Lock()
  private let sent = RetainedBytes()
  /// The next byte to send for the first time, or again.
  private var cursor: UInt64 = 0
  private var received: UInt64 = 0
  private var secured: SecuredPipe?, subscription: NatsSubscription?
  private var isHeard = false, isEnding = false, isGone = false
  private var lastProgress: UInt64, waits = 1, repeatedAt: UInt64 = 0
  private var isTimerSet = false
  var onEnd: (@Sendable () -> Void)?

  init(_ node: NatsNode, _ broker: NatsBroker, incoming: String, outgoing: String) {
    (self.node, self.broker, self.incoming, self.outgoing) = (node, broker, incoming, outgoing)
    lastProgress = node.timers.nanoseconds
  }

  /// - Parameters:
  ///   - subject: where the listener hears who wants to connect; asked again and again until it answers. Nil at the listener.
  func start(_ secured: SecuredPipe, asking subject: String? = nil, for id: String = "") throws(PluginError) {
    lock.withLock { self.secured = secured }
    let subscription = try broker.subscribe(incoming) { [weak self] in self?.receive($0) }
    let gone = lock.withLock {
      if !isGone { self.subscription = subscription }
      return isGone
    }
    guard !gone else { return }
    if let subject {
      ask(subject, id)
    } else {
      lock.withLock { isHeard = true }
      broker.publish(NatsMessage.encode(.acknowledge), to: outgoing)
    }
  }

  private func ask(_ subject: String, _ id: String) {
    guard lock.withLock({ !isHeard && !isGone }) else { return }
    broker.publish(NatsMessage.encode(.open, Array(id.utf8)), to: subject)
    node.timers.schedule(after: Self.patience) { [weak self] in self?.ask(subject, id) }
  }

  // MARK: Arriving

  private func receive(_ raw: UnsafeRawBufferPointer) {
    guard let message = NatsMessage(raw) else { return }
    var begins = false, hasRoom = false, isWrong = false
    let (target, fresh): (SecuredPipe?, UnsafeRawBufferPointer) = lock.withLock {
      guard !isGone else { return (nil, message.bytes) }
      begins = !isHeard
      isHeard = true
      let before = sent.acknowledged, wasFull = sent.count >= Self.retainedLimit
      isWrong = !sent.acknowledge(message.acknowledged)
      if sent.acknowledged > before { (lastProgress, waits, hasRoom) = (node.timers.nanoseconds, 1, wasFull) }
      cursor = max(cursor, sent.acknowledged)
      let now = node.timers.nanoseconds
      if message.kind == .missing, now &- repeatedAt > Self.patience / 4 {
        (cursor, repeatedAt) = (sent.acknowledged, now)
      }
      guard message.kind == .data else { return (secured, UnsafeRawBufferPointer(start: nil, count: 0)) }
      guard message.offset <= received else {
        broker.publish(NatsMessage.encode(.missing, acknowledged: received), to: outgoing)
        return (secured, UnsafeRawBufferPointer(start: nil, count: 0))
      }
      let known = Int(min(received - message.offset, UInt64(message.bytes.count)))
      received += UInt64(message.bytes.count - known)
      broker.publish(NatsMessage.encode(.acknowledge, acknowledged: received), to: outgoing)
      return (secured, UnsafeRawBufferPointer(rebasing: message.bytes[known...]))
    }
    guard let target else { return }
    if isWrong { return end(PluginError(.closed, "the peer acknowledges \(message.acknowledged) bytes, more than were sent")) }
    if begins { target.start() }
    if !fresh.isEmpty { target.received(fresh) }
    transmit()
    if hasRoom { target.pipeHasRoom() }
    if message.kind == .close { end(PluginError(.closed, "the peer closed the connection")) }
  }

  // MARK: Sending

  /// Sends what is new or to be repeated, up to a burst beyond what is acknowledged.
  private func transmit() {
    let ends = lock.withLock {
      guard !isGone, isHeard else { return false }
      let limit = sent.acknowledged + UInt64(Self.burst)
      while cursor < min(sent.end, limit), let piece = sent.bytes(from: cursor, limit: NatsMessage.pieceSize), !piece.isEmpty {
        broker.publish(NatsMessage.encode(.data, offset: cursor, acknowledged: received, piece), to: outgoing)
        cursor += UInt64(piece.count)
      }
      if sent.count > 0 { armTimer() }
      return isEnding && sent.count == 0
    }
    if ends { end(PluginError(.closed, "the connection is closed")) }
  }

  /// Under the lock.
  private func armTimer() {
    guard !isTimerSet else { return }
    isTimerSet = true
    node.timers.schedule(after: Self.patience * UInt64(waits)) { [weak self] in self?.checkProgress() }
  }

  private func checkProgress() {
    let lost: Bool = lock.withLock {
      isTimerSet = false
      guard !isGone, sent.count > 0 else { return false }
      let silence = node.timers.nanoseconds &- lastProgress
      if silence >= Self.patience * UInt64(waits) {
        cursor = sent.acknowledged
        waits = 2
      }
      return silence > node.retryNanoseconds
    }
    if lost { end(PluginError(.closed, "no answer came over the NATS server for \(node.retryNanoseconds / 1_000_000_000) s")) } else { transmit() }
  }

  // MARK: BytePipe

  var room: Int { lock.withLock { isGone ? 0 : Self.retainedLimit - sent.count } }

  func write(_ bytes: [UInt8]) {
    lock.withLock {
      if sent.count == 0 { lastProgress = node.timers.nanoseconds }
      bytes.withUnsafeBytes { if !isGone { sent.append($0) } }
    }
    transmit()
  }

  func close() {
    lock.withLock { isEnding = true }
    node.timers.schedule(after: 2_000_000_000) { [weak self] in self?.end(PluginError(.closed, "the connection is closed")) }
    transmit()
  }

  func abort() { end(PluginError(.closed, "the connection is closed")) }

  func end(_ error: PluginError) {
    let (pipe, subscription, call): (SecuredPipe?, NatsSubscription?, (@Sendable () -> Void)?) = lock.withLock {
      guard !isGone else { return (nil, nil, nil) }
      isGone = true
      broker.publish(NatsMessage.encode(.close, offset: sent.end, acknowledged: received), to: outgoing)
      defer { (secured, self.subscription, onEnd) = (nil, nil, nil) }
      return (secured, self.subscription, onEnd)
    }
    withExtendedLifetime(subscription) {}
    call?()
    pipe?.pipeClosed(error)
  }
}
