public import CentramPluginAPI
public import CentramWire
internal import Foundation

/// Finds peers for a node and has them dialled: hints from the link and from peers go into the address book, and whom the book names is dialled, direct
/// before relayed, those on the link at once and those that strangers told of at a limited rate.
public actor NodeDiscovery {
  /// Milliseconds between two looks at whom to dial, two questions to peers, two announcements, two savings of the book.
  static let lookInterval: UInt64 = 1_000, exchangeInterval: UInt64 = 60_000, announceInterval: UInt64 = 900_000, saveInterval: UInt64 = 60_000
  /// For all of a peer's addresses and relays; how long this node's word names a relay.
  static let tableInterval: UInt64 = 60_000, dialTime: UInt64 = 20_000, relayLifetime: UInt64 = 3_600_000

  let settings: DiscoverySettings
  let host: any DiscoveryHost
  let clock: any NodeClock
  let network: any LocalNetwork
  let log: @Sendable (LogLevel, String) -> Void
  private let path: String?
  var random: RandomSource
  var book: AddressBook
  var gossip: Gossip
  var exchange = PeerExchange()
  var table: TableNode
  var budget = DialBudget()
  private var dialling: Set<NodeKey> = []
  var isChanged = false
  private var number: UInt64 = 0
  /// Peers that were given this node's word when they came.
  private var announced: Set<NodeKey> = []
  /// What this node says that it holds, by the place of the content, and when it is to be said again.
  var provided: [TablePoint: Provided] = [:]
  var lastLook: UInt64 = 0

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
    for topic in settings.topics { provided[TablePoint(topic: topic)] = Provided(kind: .topic, size: 0) }
    let mdns = await makeMDNS(), beacon = await makeBeacon()
    await withDiscardingTaskGroup { group in
      if let mdns { group.addTask { await mdns.run() } }
      if let beacon { group.addTask { await beacon.run() } }
      var nextExchange = now + 5_000, nextAnnounce = now + Self.announceInterval, nextSave = now + Self.saveInterval, nextTable = now + 10_000
      while (try? await clock.sleep(milliseconds: Int(Self.lookInterval))) != nil {
        for reference in await peersToDial() { group.addTask { await self.dial(reference) } }
        let connected = Set(await host.connectedPeers().keys), new = connected.subtracting(announced)
        announced = connected
        if settings.exchange, now >= nextExchange, !connected.isEmpty {
          nextExchange = now + Self.exchangeInterval
          group.addTask { await self.askSomebody() }
        }
        if settings.exchange, now >= nextAnnounce {
          nextAnnounce = now + Self.announceInterval
          group.addTask { await self.announce(to: connected) }
        } else if settings.exchange, !new.isEmpty {
          group.addTask { await self.announce(to: new) }
        }
        if settings.exchange, now >= nextTable, !table.table.contacts.isEmpty {
          nextTable = now + Self.tableInterval
          group.addTask { await self.tendTable() }
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
    let listening = await host.listeningAddresses().filter { PeerReference.scheme(of: $0) != RelayAddress.scheme }
    var addresses = OwnAddresses.expand(listening, over: (try? network.interfaces()) ?? [], from: .site)
    for address in await host.observedAddresses() where !addresses.contains(address) { addresses.append(address) }
    number = max(number + 1, now)
    let relays = await host.ownRelays().map { relay in
      var route = WireRelayRoute()
      (route.relay, route.url, route.expiresMs) = (Data(relay.id.bytes), relay.address.description, now + Self.relayLifetime)
      return route
    }
    return try? VerifiedRecord.make(by: await host.currentKey(), addresses: addresses, relays: relays, roles: settings.roles, number: number, now: now)
  }

  // MARK: Dialling

  private func peersToDial() async -> [PeerReference] {
    let busy = Set(await host.connectedPeers().keys).union(dialling)
    var result: [PeerReference] = []
    func reference(_ key: NodeKey, _ addresses: [PeerAddress]) -> PeerReference {
      let relays = (book[key]?.record?.relays ?? []).filter { budget.take($0.address, now: now) }
      let source = book[key]?.addresses.values.first { !$0.source.isLearnt }?.source ?? book[key]?.addresses.values.first?.source ?? .exchange
      return PeerReference(addresses: addresses.map(\.description), key: key, relays: relays, reason: "found by \(source.rawValue)")
    }
    func candidates(_ key: NodeKey) -> [PeerAddress] { book.candidates(for: key, now: now).filter { host.schemes.contains($0.scheme) && $0.scheme != RelayAddress.scheme } }
    let local = book.entries.values.filter { entry in !busy.contains(entry.key) && entry.addresses.values.contains { $0.source == .mdns || $0.source == .beacon } }
    for entry in local.sorted(by: { $0.heard > $1.heard }).prefix(max(0, settings.wantedLocalPeers - busy.count)) {
      let addresses = candidates(entry.key)
      if !addresses.isEmpty { result.append(reference(entry.key, addresses)) }
    }
    if settings.exchange, busy.count + result.count < settings.wantedPeers {
      let chosen = Set(result.compactMap(\.key))
      for key in book.peersToDial(2, except: busy.union(chosen), now: now, random: &random) {
        let addresses = candidates(key).filter { book[key]?.addresses[$0]?.source.isLearnt == false || budget.take($0, now: now) }
        let wanted = reference(key, addresses)
        // Who can be reached through a relay alone is dialled through it.
        if !addresses.isEmpty || (!wanted.relays.isEmpty && !book.relaysAlone(for: key, now: now).isEmpty) { result.append(wanted) }
      }
    }
    dialling.formUnion(result.compactMap(\.key))
    return result
  }

  /// Has a peer dialled for a while, and writes down what came of it.
  /// - Returns: whether it is connected.
  @discardableResult func dial(_ reference: PeerReference, milliseconds: UInt64 = dialTime) async -> Bool {
    guard let key = reference.key else { return false }
    defer { dialling.remove(key) }
    await host.startDial(reference)
    let end = now + milliseconds
    var isReached = false
    while !isReached, now < end, (try? await clock.sleep(milliseconds: 50)) != nil {
      guard let address = await host.connectedPeers()[key] else { continue }
      isReached = true
      // Where the peer came by itself, the first address is as good as any.
      if let address = (address ?? reference.addresses.first).flatMap({ try? PeerAddress($0) }) { book.dialled(key, address, reached: true, now: now) }
      if reference.addresses.isEmpty { book.dialledThroughRelays(key, reached: true, now: now) }
    }
    if !isReached {
      if reference.addresses.isEmpty { book.dialledThroughRelays(key, reached: false, now: now) }
      for address in reference.addresses.compactMap({ try? PeerAddress($0) }) { book.dialled(key, address, reached: false, now: now) }
      log(.debug, "\(key): none of \(reference.addresses.count) addresses and \(reference.relays.count) relays answered")
    }
    isChanged = true
    // The node dials on its own until it is told not to; who is lost is found again here.
    await host.stopDial(reference)
    return isReached
  }

  // MARK: Peers

  private func askSomebody() async {
    guard let peer = await host.connectedPeers().keys.sorted().randomElement(using: &random) else { return }
    let request = PeerExchange.request(32, knowing: Array(book.entries.keys.prefix(1_600)), transports: host.schemes.sorted(), random: &random)
    guard let reply = await host.ask(request, of: peer, for: WirePeerExchangeReply.self) else { return }
    let (new, bad) = PeerExchange.take(reply, from: peer, into: &book, verifier: &table.verifier, now: now)
    isChanged = isChanged || new > 0
    if bad > 0 { log(.info, "\(peer) told of \(bad) peers whose records are no good") }
  }

  /// Gives peers this node's own word.
  func announce(to peers: Set<NodeKey>) async {
    guard let record = await ownRecord() else { return }
    var message = WireAnnounce()
    message.record = record
    for peer in peers.sorted() { await host.send(message, to: peer) }
  }

  /// Takes this node's word back: it goes, and nobody need dial it any more. Peers that are connected hear of it and pass it on.
  public func withdraw(_ reason: WireWithdrawReason) async {
    guard settings.exchange, number > 0 else { return }
    let key = await host.currentKey()
    var record = WireWithdrawalRecord()
    (record.key, record.number, record.madeMs, record.reason) = (Data(key.publicKey.bytes), number, now, reason)
    var message = WireWithdraw()
    do throws(WireError) { message.record = try WireSigned(record, by: key, domain: .withdraw) } catch { return log(.warning, error.message) }
    for peer in await host.connectedPeers().keys.sorted() { await host.send(message, to: peer) }
  }

  func answerExchange(_ request: WirePeerExchangeRequest, from peer: NodeKey) async throws(DiscoveryError) -> WirePeerExchangeReply {
    let record = await ownRecord()
    return try exchange.answer(request, to: peer, from: book, ownRecord: record, now: now, random: &random)
  }
}
