internal import CentramPluginAPI
public import CentramWire

/// The session with one peer: frames over whatever connection there is, and what must outlive a connection.
///
/// A session has at most one connection at a time. When it is lost, the session waits for the next; reliable messages stay in the outbox until
/// the peer has acknowledged them, and are then sent again as they were.
public actor PeerSession {
  /// Where a session stands.
  public enum State: Sendable, Equatable { case suspended, connected, ended }

  /// 16 bytes.
  public nonisolated let id: [UInt8]
  public nonisolated let isDialler: Bool
  /// Keys that only the two ends have, from the handshake that began the session.
  nonisolated let keys: SessionKeys
  nonisolated let services: SessionServices

  /// The peer's key; changes with a rotation.
  public internal(set) var peer: NodeKey
  public internal(set) var state = State.suspended
  /// What the peer said that it can; nil before it did.
  public internal(set) var capabilities: WireCapabilities?
  /// The last round trip in nanoseconds; nil before the first.
  public internal(set) var roundTrip: UInt64?
  public internal(set) var bytesSent: UInt64 = 0
  public internal(set) var bytesReceived: UInt64 = 0
  public nonisolated let agent: String

  var key: SigningKey
  var link: Link?
  var nextSequence: UInt64 = 1
  var outbox = Outbox()
  var check = SequenceCheck()
  var buckets: [Int: TokenBucket] = [:]
  var lastRefusal: [Int: UInt64] = [:]
  var pending: [UInt64: PendingRequest] = [:]
  var served = 0
  var inbox: [IncomingMessage] = []
  var isDraining = false
  /// Happens when the inbox has become shorter.
  var inboxRoom = Signal()
  /// Bytes in the inbox and with handlers.
  var handledBytes = 0
  var lastPing: (nonce: UInt64, sent: UInt64)?
  var lastPingSent: UInt64 = 0
  /// Keys that went in this session: frames on their way may still carry them.
  var formerKeys: [NodeKey] = [], formerPeers: [NodeKey] = []
  /// Keys that the peer had before the session began, the last one first, as far as it told.
  var earlierPeers: [NodeKey] = []
  var capabilityRevision: UInt32 = 0
  /// What the peer was told last that this node can.
  var announced: WireCapabilities?
  var peerIdleMilliseconds: Int
  var outgoingStreams = 0
  let hasCapabilities = Signal()

  struct PendingRequest {
    var deadline: UInt64
    let continuation: CheckedContinuation<Result<Frame, SessionError>, Never>
  }

  init(_ agreement: Handshake.Agreement, key: SigningKey, services: SessionServices) {
    (id, isDialler, keys, peer, agent) = (agreement.session, agreement.isDialler, agreement.keys, agreement.peer, agreement.agent)
    (self.key, self.services) = (key, services)
    peerIdleMilliseconds = Int(agreement.peerIdleMilliseconds)
  }

  /// The highest number of the peer's control stream that came.
  var received: UInt64 { check.contiguous }
  var now: UInt64 { services.clock.monotonicNanoseconds }

  /// Messages that the peer has not acknowledged.
  public var unacknowledged: Int { outbox.count }

  // MARK: The connection

  /// Parts from the connection, if there is one: nothing of it is taken any more.
  /// - Returns: the highest number of the peer's control stream that came.
  func detach(_ error: SessionError) async -> UInt64 {
    let old = link
    link = nil
    if state == .connected { state = .suspended }
    let received = check.contiguous
    await old?.close(error)
    return received
  }

  /// Runs a connection to its end.
  /// - Parameter peerReceived: what the peer has of this end's control stream; the rest is sent again.
  /// - Returns: why it ended.
  func run(_ link: Link, reader: FrameReader, agreement: Handshake.Agreement) async -> SessionError {
    guard state != .ended else {
      await link.close(SessionError(.closed, "the session is over"))
      return SessionError(.closed, "the session is over")
    }
    if let other = self.link { await other.close(SessionError(.duplicate, "the peer came over another connection")) }
    (self.link, state) = (link, .connected)
    peerIdleMilliseconds = Int(agreement.peerIdleMilliseconds)
    outbox.acknowledge(upTo: agreement.peerReceived)
    lastPing = nil
    lastPingSent = now
    // In the order of their numbers: the peer takes no step back.
    for entry in outbox.entries { push(entry.frame, on: link) }
    announceCapabilities()
    await withDiscardingTaskGroup { group in
      group.addTask { await self.write(link) }
      group.addTask { await self.acceptStreams(link) }
      group.addTask { await self.keepAlive(link) }
      await self.read(reader, link)
      group.cancelAll()
      await link.close(SessionError(.disconnected, "the peer closed the connection"))
    }
    let end = link.end ?? SessionError(.disconnected, "the connection is lost")
    if self.link === link {
      self.link = nil
      if state == .connected { state = .suspended }
      failPending(SessionError(.disconnected, end.message))
    }
    return end
  }

  /// Ends the session for good.
  func end(_ error: SessionError) async {
    guard state != .ended else { return }
    state = .ended
    failPending(error)
    inbox = []
    inboxRoom.send()
    hasCapabilities.send()
    let old = link
    link = nil
    await old?.close(error)
  }

  func failPending(_ error: SessionError) {
    let waiting = pending.sorted { $0.key < $1.key }
    pending = [:]
    for (_, request) in waiting { request.continuation.resume(returning: .failure(error)) }
  }

  func push(_ frame: [UInt8], on link: Link) {
    link.didQueue(now: now)
    link.queue.push(frame)
    services.counters.add(.framesSent)
    services.counters.add(.bytesSent, frame.count)
    bytesSent += UInt64(frame.count)
  }
}
