internal import CentramPluginAPI
internal import CentramTransportSupport

/// Two ends and what is on its way between them.
final class MemoryLink: @unchecked Sendable {
  private enum Event { case bytes([UInt8]), end }

  private let network: MemoryNetwork
  private let hosts: (String, String)
  let ends: (MemoryEnd, MemoryEnd)
  private let lock = Lock()
  /// By side of the sender: what is on its way, in order, with the time of its arrival.
  private var underway: ([(due: UInt64, event: Event)], [(due: UInt64, event: Event)]) = ([], [])
  private var armed = (false, false)
  private var isCut = false
  private let identities: (PeerID, PeerID)
  private let binding: [UInt8]

  init(_ network: MemoryNetwork, dialler: Memory, listener: Memory, listenerHost: String, binding: [UInt8]) {
    (self.network, self.binding) = (network, binding)
    hosts = (dialler.host, listenerHost)
    identities = (dialler.identity, listener.identity)
    ends = (
      MemoryEnd(0, Multiplexer(role: .dialler, settings: dialler.settings, timers: network.timers)),
      MemoryEnd(1, Multiplexer(role: .listener, settings: listener.settings, timers: network.timers))
    )
    (ends.0.link, ends.1.link) = (self, self)
  }

  func connections() -> (MemoryConnection, MemoryConnection) {
    (
      MemoryConnection(MultiplexedConnection(ends.0.multiplexer, peer: identities.1, channelBinding: binding), ends.0),
      MemoryConnection(MultiplexedConnection(ends.1.multiplexer, peer: identities.0, channelBinding: binding), ends.1)
    )
  }

  func start() {
    ends.0.multiplexer.start(ends.0)
    ends.1.multiplexer.start(ends.1)
  }

  func has(_ host: String) -> Bool { hosts.0 == host || hosts.1 == host }
  func joins(_ first: String, _ second: String) -> Bool { hosts == (first, second) || hosts == (second, first) }

  private func way(_ side: Int) -> (String, String) { side == 0 ? hosts : (hosts.1, hosts.0) }
  private func receiver(_ side: Int) -> MemoryEnd { side == 0 ? ends.1 : ends.0 }

  func send(_ bytes: [UInt8], from side: Int) { add(.bytes(bytes), bytes.count, side) }
  func end(from side: Int) { add(.end, 0, side) }

  private func add(_ event: Event, _ count: Int, _ side: Int) {
    let (source, target) = way(side)
    let due = network.timers.nanoseconds + network.delay(source, target, count)
    lock.withLock {
      guard !isCut else { return }
      if side == 0 {
        underway.0.append((max(due, underway.0.last?.due ?? 0), event))
      } else {
        underway.1.append((max(due, underway.1.last?.due ?? 0), event))
      }
      armLocked(side)
    }
  }

  /// Sets the timers again, after a partition.
  func arm() {
    lock.withLock {
      armLocked(0)
      armLocked(1)
    }
  }

  private func armLocked(_ side: Int) {
    guard !(side == 0 ? armed.0 : armed.1), let first = (side == 0 ? underway.0 : underway.1).first else { return }
    if side == 0 { armed.0 = true } else { armed.1 = true }
    let now = network.timers.nanoseconds
    network.timers.schedule(after: first.due > now ? first.due - now : 0) { [self] in arrive(side) }
  }

  private func arrive(_ side: Int) {
    let (source, target) = way(side), reached = network.reaches(source, target), now = network.timers.nanoseconds
    let arrived: [Event] = lock.withLock {
      if side == 0 { armed.0 = false } else { armed.1 = false }
      guard reached, !isCut else { return [] }
      let queue = side == 0 ? underway.0 : underway.1
      let count = queue.prefix { $0.due <= now }.count
      if side == 0 { underway.0.removeFirst(count) } else { underway.1.removeFirst(count) }
      return queue.prefix(count).map(\.event)
    }
    let end = receiver(side)
    for event in arrived {
      switch event {
      case .bytes(let bytes): bytes.withUnsafeBytes { end.multiplexer.receive($0) }
      case .end: end.pipeClosed(PluginError(.closed, "the peer closed the connection"))
      }
    }
    if reached { lock.withLock { armLocked(side) } }
  }

  func sendDatagram(_ bytes: [UInt8], from side: Int) {
    let (source, target) = way(side)
    for delay in network.datagramDelays(source, target, bytes.count) {
      network.timers.schedule(after: delay) { [self] in
        guard network.reaches(source, target), !lock.withLock({ isCut }) else { return }
        receiver(side).datagrams.offer(bytes)
      }
    }
  }

  func cut(_ error: PluginError) {
    drop()
    network.timers.schedule(after: 0) { [self] in
      ends.0.pipeClosed(error)
      ends.1.pipeClosed(error)
    }
  }

  func crash(_ host: String) {
    drop()
    let end = hosts.0 == host ? ends.0 : ends.1
    network.timers.schedule(after: 0) { end.pipeClosed(PluginError(.closed, "the host crashed")) }
  }

  private func drop() {
    lock.withLock {
      isCut = true
      underway = ([], [])
    }
  }

  /// One end is done; when both are, nothing of the link is left.
  func closed() { if ends.0.isClosed && ends.1.isClosed { network.forget(self) } }
}

/// One side's multiplexer and what it is driven by.
final class MemoryEnd: MultiplexerDriver, @unchecked Sendable {
  let multiplexer: Multiplexer
  let datagrams = WaitQueue<[UInt8]>(limit: 256)
  private let side: Int
  private let pump = SerialPump(), lock = Lock()
  private var hasEnded = false
  /// Nil once the pipe is gone, so that nothing holds itself.
  fileprivate(set) var link: MemoryLink?

  init(_ side: Int, _ multiplexer: Multiplexer) { (self.side, self.multiplexer) = (side, multiplexer) }

  var isClosed: Bool { lock.withLock { hasEnded } }

  func outputIsReady() {
    pump.run {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
      defer { buffer.deallocate() }
      while let link = lock.withLock({ link }) {
        let count = multiplexer.takeOutput(into: buffer)
        guard count > 0 else {
          if multiplexer.outputEnded { close(tellingPeer: true) }
          return
        }
        link.send([UInt8](UnsafeRawBufferPointer(rebasing: buffer[..<count])), from: side)
      }
    }
  }

  func abort() { close(tellingPeer: true) }

  func pipeClosed(_ error: PluginError) {
    close(tellingPeer: false)
    multiplexer.pipeClosed(error)
  }

  func sendDatagram(_ bytes: [UInt8]) { lock.withLock { link }?.sendDatagram(bytes, from: side) }

  private func close(tellingPeer: Bool) {
    let link = lock.withLock {
      let link = hasEnded ? nil : self.link
      hasEnded = true
      self.link = nil
      return link
    }
    datagrams.close(multiplexer.endError ?? PluginError(.closed, "the connection is closed"))
    guard let link else { return }
    if tellingPeer { link.end(from: side) }
    link.closed()
  }
}
