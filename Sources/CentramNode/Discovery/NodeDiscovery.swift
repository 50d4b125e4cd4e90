public import CentramPluginAPI
public import CentramWire

/// Finds peers for a node and has them dialled: hints from the link and from peers go into the address book, and whom the book names is dialled, direct
/// before relayed, those on the link at once and those that strangers told of at a limited rate.
public actor NodeDiscovery {
  /// Milliseconds between two looks at whom to dial, two questions to peers, two announcements, two savings of the book.
  static let lookInterval: UInt64 = 1_000, exchangeInterval: UInt64 = 60_000, announceInterval: UInt64 = 900_000, saveInterval: UInt64 = 60_000

  let settings: DiscoverySettings
  let host: any DiscoveryHost
  let clock: any NodeClock
  let network: any LocalNetwork
  let log: @Sendable (LogLevel, String) -> Void
  private let path: String?
  private var random: RandomSource
  var book: AddressBook
  var gossip: Gossip
  var exchange = PeerExchange()
  var table: TableNode
  private var budget = DialBudget()
  private var dialling: Set<NodeKey> = []
  private var isChanged = false
  private var number: UInt64 = 0

  /// - Parameters:
  ///   - path: where the address book is kept; nil: only in memory.
  ///   - own: the node's key at the start.
  public init(
    settings: DiscoverySettings, own: NodeKey, host: any DiscoveryHost, clock: any NodeClock, random: RandomSource, network: any LocalNetwork, path: String?,
    log: @escaping @Sendable (LogLevel, String) -> Void
  ) {
    (self.settings, self.host, self.clock, self.network, self.path, self.log) = (settings, host, clock, network, path, log)
    self.random = random
    gossip = Gossip(random: self.random.fork())
    table = TableNode(own: own, random: self.random.fork())
    book = AddressBook(own: own)
    guard let path else { return }
    do throws(DiscoveryError) { book = try AddressBook.load(from: path, own: own, now: UInt64(max(0, clock.unixMilliseconds))) } catch { log(.warning, error.message) }
  }

  /// Looks, dials and tells until the task is cancelled.
  public func run() async {
    let mdns = await makeMDNS(), beacon = await makeBeacon()
    await withDiscardingTaskGroup { group in
      if let mdns { group.addTask { await mdns.run() } }
      if let beacon { group.addTask { await beacon.run() } }
      var nextExchange = now + 5_000, nextAnnounce = now + 2_000, nextSave = now + Self.saveInterval
      while (try? await clock.sleep(milliseconds: Int(Self.lookInterval))) != nil {
        for (key, candidates) in await peersToDial() { group.addTask { await self.race(key, candidates) } }
        if settings.exchange, now >= nextExchange {
          nextExchange = now + Self.exchangeInterval
          group.addTask { await self.askSomebody() }
        }
        if settings.exchange, now >= nextAnnounce {
          nextAnnounce = now + Self.announceInterval
          group.addTask { await self.announceToPeers() }
        }
        if now >= nextSave {
          nextSave = now + Self.saveInterval
          save()
        }
      }
      group.cancelAll()
    }
    save()
  }

  /// Takes a hint from anywhere.
  public func take(_ hint: PeerHint, introducer: NodeKey? = nil) {
    if book.add(hint, introducer: introducer, now: now) {
      isChanged = true
      log(.debug, "\(hint.key) may be at \(hint.addresses.map(\.description).joined(separator: ", ")), says \(hint.source.rawValue)")
    }
  }

  var now: UInt64 { UInt64(max(0, clock.unixMilliseconds)) }

  private func save() {
    guard let path, isChanged else { return }
    isChanged = false
    book.expire(now: now)
    table.expire(now: now)
    do throws(DiscoveryError) { try book.save(to: path) } catch { log(.warning, error.message) }
  }

  /// This node's own signed word.
  func ownRecord() async -> WireSigned? {
    let addresses = OwnAddresses.expand(await host.listeningAddresses(), over: (try? network.interfaces()) ?? [], from: .site)
    number = max(number + 1, now)
    return try? VerifiedRecord.make(by: await host.currentKey(), addresses: addresses, number: number, now: now)
  }

  // MARK: Dialling

  private func peersToDial() async -> [(NodeKey, [DialRace.Candidate])] {
    let connected = Set(await host.connectedPeers().keys)
    var result: [(NodeKey, [DialRace.Candidate])] = []
    let busy = connected.union(dialling)
    func candidates(_ key: NodeKey) -> [PeerAddress] { book.candidates(for: key, now: now).filter { host.schemes.contains($0.scheme) } }
    let local = book.entries.values.filter { entry in !busy.contains(entry.key) && entry.addresses.values.contains { $0.source == .mdns || $0.source == .beacon } }
    for entry in local.sorted(by: { $0.heard > $1.heard }).prefix(max(0, settings.wantedLocalPeers - busy.count)) {
      let addresses = candidates(entry.key)
      if !addresses.isEmpty { result.append((entry.key, addresses.map { DialRace.Candidate($0) })) }
    }
    if settings.exchange, busy.count + result.count < settings.wantedPeers {
      let chosen = Set(result.map(\.0))
      for key in book.peersToDial(2, except: busy.union(chosen), now: now, random: &random) {
        let addresses = candidates(key).filter { book[key]?.addresses[$0]?.source.isLearnt == false || budget.take($0, now: now) }
        if !addresses.isEmpty { result.append((key, addresses.map { DialRace.Candidate($0) })) }
      }
    }
    dialling.formUnion(result.map(\.0))
    return result
  }

  /// Dials a peer's addresses as a race, and writes down what came of it.
  private func race(_ key: NodeKey, _ candidates: [DialRace.Candidate]) async {
    defer { dialling.remove(key) }
    var race = DialRace(candidates, now: now), started: [PeerAddress] = []
    let source = book[key]?.addresses.values.first { !$0.source.isLearnt }?.source ?? .exchange
    let reason = "found by \(source.rawValue)"
    while race.outcome == nil {
      for case .dial(let candidate) in race.poll(at: now) {
        started.append(candidate.address)
        await host.startDial(key, candidate.address, reason: reason)
      }
      if let address = await host.connectedPeers()[key] {
        let winner = candidates.first { $0.address.description == address } ?? candidates.first { started.contains($0.address) }
        guard let winner else { break }
        race.connected(winner, at: now)
        book.dialled(key, winner.address, reached: true, now: now)
        isChanged = true
        break
      }
      guard (try? await clock.sleep(milliseconds: 50)) != nil else { break }
    }
    if case .failed(let why) = race.outcome {
      log(.debug, "\(key): \(why)")
      for address in started { book.dialled(key, address, reached: false, now: now) }
    }
    // The node dials on its own until it is told not to; who is lost is found again here.
    for address in started { await host.stopDial(key, address, reason: reason) }
  }

  // MARK: Peers

  private func askSomebody() async {
    guard let peer = await host.connectedPeers().keys.sorted().randomElement(using: &random) else { return }
    let request = PeerExchange.request(32, knowing: Array(book.entries.keys.prefix(1_600)), transports: host.schemes.sorted(), random: &random)
    guard let reply = await host.ask(request, of: peer) else { return }
    let (new, bad) = PeerExchange.take(reply, from: peer, into: &book, verifier: &table.verifier, now: now)
    isChanged = isChanged || new > 0
    if bad > 0 { log(.info, "\(peer) told of \(bad) peers whose records are no good") }
  }

  private func announceToPeers() async {
    guard let record = await ownRecord() else { return }
    var message = WireAnnounce()
    message.record = record
    for peer in await host.connectedPeers().keys.sorted() { await host.send(message, to: peer) }
  }

  func answerExchange(_ request: WirePeerExchangeRequest, from peer: NodeKey) async throws(DiscoveryError) -> WirePeerExchangeReply {
    let record = await ownRecord()
    return try exchange.answer(request, to: peer, from: book, ownRecord: record, now: now, random: &random)
  }
}
