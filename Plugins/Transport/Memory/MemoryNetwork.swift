public import CentramPluginAPI
public import CentramTransportSupport

/// A network in memory. Time comes from its timers and chance from its seed; it starts no tasks and no threads. On timers and an executor with one
/// thread a seed gives the same course of events again.
public final class MemoryNetwork: @unchecked Sendable {
  /// What happens on the way from one host to another.
  public struct Faults: Sendable, Equatable {
    /// Drawn for each piece of a stream and each datagram. Pieces of one connection keep their order.
    public var delayNanoseconds: ClosedRange<UInt64> = 0...0
    /// Each from 0 to 1. A datagram that is lost is gone; a piece of a stream is sent again after a time that doubles, as a reliable transport would, and
    /// holds up what stands behind it. A second copy of a piece shows nowhere but in the counts.
    public var loss = 0.0, duplication = 0.0
    /// Of datagrams and pieces that are held back by once more the longest delay, at least a millisecond.
    public var reordering = 0.0
    /// Nil: no limit.
    public var bytesPerSecond: UInt64?
    public init(delayNanoseconds: ClosedRange<UInt64> = 0...0, loss: Double = 0, duplication: Double = 0, reordering: Double = 0, bytesPerSecond: UInt64? = nil) {
      (self.delayNanoseconds, self.loss, self.duplication) = (delayNanoseconds, loss, duplication)
      (self.reordering, self.bytesPerSecond) = (reordering, bytesPerSecond)
    }
  }

  /// What went over the network so far.
  public struct Counts: Sendable, Equatable {
    public var dials = 0, connections = 0, bytes = 0, datagrams = 0, lost = 0, duplicated = 0, reordered = 0, cut = 0
    /// Pieces of streams that were sent again, came twice, were held back.
    public var piecesLost = 0, piecesDuplicated = 0, piecesHeld = 0
  }

  static let scheme = "memory"
  /// How long a dial waits for an answer.
  public let dialNanoseconds: UInt64
  /// The largest datagram.
  public static let datagramLimit = 1_200

  let timers: any TransportTimers
  private let lock = Lock()
  private var random: SplitMix64
  private var faults: Faults
  private var linkFaults: [String: Faults] = [:]
  private var groups: [String: Int]?
  private var listeners: [String: MemoryListener] = [:]
  private var nextPort: [String: Int] = [:]
  private var links: [MemoryLink] = []
  private var counted = Counts()

  public init(seed: UInt64, timers: any TransportTimers, faults: Faults = Faults(), dialNanoseconds: UInt64 = 10_000_000_000) {
    (random, self.timers, self.faults, self.dialNanoseconds) = (SplitMix64(state: seed), timers, faults, dialNanoseconds)
  }

  /// A node's transport.
  public func transport(host: String, identity: PeerID, settings: MultiplexerSettings = MultiplexerSettings()) -> any Transport {
    Memory(self, host: host, identity: identity, settings: settings)
  }

  public var counts: Counts { lock.withLock { counted } }

  // MARK: Faults

  /// For all ways that have no faults of their own.
  public func setFaults(_ faults: Faults) { lock.withLock { self.faults = faults } }

  /// For the way from one host to another.
  public func setFaults(_ faults: Faults?, from source: String, to target: String) { lock.withLock { linkFaults["\(source)>\(target)"] = faults } }

  /// Only hosts of one group reach each other; a host in no group reaches none. Streams are held until `heal`, datagrams are lost.
  public func partition(_ groups: [[String]]) {
    lock.withLock {
      self.groups = [:]
      for (number, group) in groups.enumerated() { for host in group { self.groups?[host] = number } }
    }
  }

  public func heal() {
    let all = lock.withLock {
      groups = nil
      return links
    }
    for link in all { link.arm() }
  }

  /// Cuts all connections between two hosts; both ends notice. New ones can be made.
  public func cut(_ first: String, _ second: String) { cut { $0.joins(first, second) } }

  /// Cuts every connection.
  public func cutAll() { cut { _ in true } }

  /// A host dies: its listeners and its ends of connections are gone at once; the other ends hear nothing any more.
  public func crash(_ host: String) {
    let (gone, own) = lock.withLock {
      let gone = listeners.filter { $0.value.parsed.host == host }.map(\.value).sorted { $0.address < $1.address }, own = links.filter { $0.has(host) }
      links.removeAll { $0.has(host) }
      return (gone, own)
    }
    for listener in gone { listener.closeNow() }
    for link in own { link.crash(host) }
  }

  private func cut(where condition: (MemoryLink) -> Bool) {
    let all = lock.withLock {
      let all = links.filter(condition)
      links.removeAll(where: condition)
      counted.cut += all.count
      return all
    }
    for link in all { link.cut(PluginError(.closed, "the connection was cut")) }
  }

  // MARK: What links ask

  func reaches(_ source: String, _ target: String) -> Bool { lock.withLock { reachesLocked(source, target) } }

  private func reachesLocked(_ source: String, _ target: String) -> Bool {
    guard let groups, source != target else { return true }
    return groups[source] != nil && groups[source] == groups[target]
  }

  /// How long `count` bytes of a stream are on their way.
  func delay(_ source: String, _ target: String, _ count: Int) -> UInt64 {
    lock.withLock {
      let faults = faultsLocked(source, target), longest = max(1_000_000, faults.delayNanoseconds.upperBound)
      counted.bytes += count
      var delay = delayLocked(faults, count), patience = 2 * longest
      while chance(faults.loss), patience < Self.longestPatience {
        counted.piecesLost += 1
        delay += patience
        patience *= 2
      }
      if chance(faults.duplication) { counted.piecesDuplicated += 1 }
      if chance(faults.reordering) {
        counted.piecesHeld += 1
        delay += longest
      }
      return delay
    }
  }

  /// The longest that a lost piece waits before it is sent again.
  private static let longestPatience: UInt64 = 2_000_000_000

  private func faultsLocked(_ source: String, _ target: String) -> Faults { linkFaults["\(source)>\(target)"] ?? faults }

  private func delayLocked(_ faults: Faults, _ count: Int) -> UInt64 {
    let range = faults.delayNanoseconds
    let drawn = range.lowerBound == range.upperBound ? range.lowerBound : UInt64.random(in: range, using: &random)
    return drawn + (faults.bytesPerSecond.map { UInt64(count) * 1_000_000_000 / max(1, $0) } ?? 0)
  }

  /// When copies of a datagram arrive, from now; none: it is lost.
  func datagramDelays(_ source: String, _ target: String, _ count: Int) -> [UInt64] {
    lock.withLock {
      let faults = faultsLocked(source, target)
      counted.datagrams += 1
      guard reachesLocked(source, target), !chance(faults.loss) else {
        counted.lost += 1
        return []
      }
      var delays = [delayLocked(faults, count)]
      if chance(faults.duplication) {
        counted.duplicated += 1
        delays.append(delayLocked(faults, count))
      }
      if chance(faults.reordering) {
        counted.reordered += 1
        delays[0] += max(1_000_000, faults.delayNanoseconds.upperBound)
      }
      return delays
    }
  }

  private func chance(_ probability: Double) -> Bool { probability > 0 && Double.random(in: 0..<1, using: &random) < probability }

  func forget(_ link: MemoryLink) { lock.withLock { links.removeAll { $0 === link } } }
  func forget(_ listener: MemoryListener) {
    lock.withLock { if listeners[listener.parsed.authority] === listener { listeners[listener.parsed.authority] = nil } }
  }

  // MARK: Listening and dialling

  func listen(_ wanted: TransportAddress, for transport: Memory) throws(PluginError) -> MemoryListener {
    try lock.withLock { () throws(PluginError) in
      var address = wanted
      while address.port == 0 || wanted.port == 0 && listeners[address.authority] != nil {
        nextPort[address.host, default: 0] += 1
        address.port = nextPort[address.host, default: 1]
      }
      guard listeners[address.authority] == nil else { throw PluginError(.unavailable, "somebody listens at \(address) already") }
      let listener = MemoryListener(address, transport, self)
      listeners[address.authority] = listener
      return listener
    }
  }

  func dial(_ address: TransportAddress, from transport: Memory, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let answer = WaitQueue<MemoryConnection>()
    let (there, back) = lock.withLock {
      counted.dials += 1
      return (delayLocked(faultsLocked(transport.host, address.host), 64), delayLocked(faultsLocked(address.host, transport.host), 64))
    }
    let limit = timers.schedule(after: dialNanoseconds) { answer.close(PluginError(.unavailable, "\(address) did not answer")) }
    timers.schedule(after: there) { [self] in
      let (listener, reached) = lock.withLock { (listeners[address.authority], reachesLocked(transport.host, address.host)) }
      guard reached else { return }
      guard let listener else { return answerLater(answer, back, .failure(PluginError(.unavailable, "nobody listens at \(address)"))) }
      if let expected, expected != listener.transport.identity {
        return answerLater(answer, back, .failure(PluginError(.unavailable, "another peer answered at \(address) than the one that was dialled")))
      }
      let binding = lock.withLock { (0..<4).flatMap { _ in withUnsafeBytes(of: random.next().bigEndian) { [UInt8]($0) } } }
      let link = MemoryLink(self, dialler: transport, listener: listener.transport, listenerHost: address.host, binding: binding)
      let (near, far) = link.connections()
      guard listener.offer(far) else { return answerLater(answer, back, .failure(PluginError(.unavailable, "\(address) has too many connections that wait"))) }
      lock.withLock {
        links.append(link)
        counted.connections += 1
      }
      link.start()
      answerLater(answer, back, .success(near))
    }
    defer { limit.cancel() }
    return try await answer.next()
  }

  private func answerLater(_ answer: WaitQueue<MemoryConnection>, _ delay: UInt64, _ result: Result<MemoryConnection, PluginError>) {
    timers.schedule(after: delay) {
      switch result {
      case .success(let connection): answer.offer(connection)
      case .failure(let error): answer.close(error)
      }
    }
  }
}

/// Steele, Lea and Flood's generator.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
