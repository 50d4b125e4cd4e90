internal import CentramPluginAPI
public import CentramWire
internal import Foundation

/// Something that this node says it holds.
struct Provided: Sendable {
  let kind: WireContentKind, size: UInt64
  /// When it is to be said again.
  var next: UInt64 = 0
}

/// The node's searches in the distributed table, over sessions. Whom a search leads to is dialled at the rate of learnt addresses.
extension NodeDiscovery {
  /// A provider and its own word where it can be reached.
  public typealias Provider = (provider: VerifiedProvider, peer: VerifiedRecord)
  /// For a session with a node that a search leads to; dials of one search.
  private static let reachTime: UInt64 = 5_000, dialsPerSearch = 16

  /// Looks into parts of the table that nobody looked into for an hour, says again what this node holds, and looks for others of its topics.
  func tendTable() async {
    for point in table.table.refreshes(now: now, random: &random) { _ = await search(point) }
    for point in provided.filter({ $0.value.next <= now }).keys { await publish(point) }
    guard !settings.topics.isEmpty, lastLook + Self.exchangeInterval <= now else { return }
    lastLook = now
    for topic in settings.topics {
      for (_, peer) in await findProviders(of: TablePoint(topic: topic), kind: .topic) {
        take(PeerHint(key: peer.key, addresses: peer.addresses, source: .table, record: peer))
      }
    }
  }

  /// Says that this node holds something, now and every six hours, where others look for it.
  public func provide(_ content: TablePoint, kind: WireContentKind, size: UInt64 = 0) async {
    provided[content] = Provided(kind: kind, size: size)
    await publish(content)
  }

  /// Who says that it holds something, as far as the nodes nearest to it know.
  public func findProviders(of content: TablePoint, kind: WireContentKind = .unspecified) async -> [Provider] {
    var request = WireFindProviders()
    (request.content, request.maximum, request.kind) = (Data(content.bytes), UInt32(TableNode.replicas), kind)
    let own = await host.currentKey().publicKey
    var found: [NodeKey: Provider] = [:]
    // What others said to this node counts too.
    let kept = table.answer(request, to: own, now: now)
    for entry in table.providers(kept, of: content, now: now) { found[entry.provider.provider] = entry }
    _ = await search(content) { peer in
      guard let reply = await self.host.ask(request, of: peer, for: WireFindProvidersReply.self) else { return nil }
      for entry in self.read(reply, of: content) { found[entry.provider.provider] = entry }
      return reply.nearer
    }
    found[own] = nil
    return found.values.sorted { $0.provider.provider < $1.provider.provider }
  }

  private func read(_ reply: WireFindProvidersReply, of content: TablePoint) -> [Provider] { table.providers(reply, of: content, now: now) }

  private func publish(_ content: TablePoint) async {
    guard let item = provided[content], let peer = await ownRecord() else { return }
    let key = await host.currentKey()
    var tokens: [NodeKey: Data] = [:]
    let nearest = await search(content) { peer in
      guard let reply = await self.findNode(content, of: peer) else { return nil }
      tokens[peer] = reply.token
      return reply.records
    }
    guard let record = try? VerifiedProvider.make(by: key, content: content, kind: item.kind, size: item.size, number: now, now: now) else { return }
    for node in nearest {
      guard let token = tokens[node.key] else { continue }
      var message = WireProvide()
      (message.record, message.peer, message.token) = (record, peer, token)
      await host.send(message, to: node.key)
    }
    provided[content]?.next = now + (nearest.isEmpty ? Self.tableInterval : TableNode.republish)
  }

  private func findNode(_ target: TablePoint, of peer: NodeKey) async -> WireFindNodeReply? {
    var request = WireFindNode()
    (request.target, request.maximum) = (Data(target.bytes), UInt32(TableNode.replicas))
    return await host.ask(request, of: peer, for: WireFindNodeReply.self)
  }

  private func search(_ target: TablePoint) async -> [VerifiedRecord] { await search(target) { await self.findNode(target, of: $0)?.records } }

  /// Asks the nodes nearest to a point, as far as sessions with them can be had.
  /// - Parameter ask: asks one; nil where it does not answer.
  /// - Returns: those who answered, nearest first.
  private func search(_ target: TablePoint, _ ask: (NodeKey) async -> [WireSigned]?) async -> [VerifiedRecord] {
    var search = table.lookup(target, now: now, settings: TableLookup.Settings(parallel: 1)), dials = Self.dialsPerSearch
    while !search.isDone, !Task.isCancelled {
      let asked = search.next()
      if asked.isEmpty { break }
      for record in asked {
        guard await reach(record, &dials), let records = await ask(record.key) else {
          search.failed(record.key)
          table.table.failed(record.key)
          continue
        }
        table.met(record, now: now)
        let (good, bad) = table.read(records, now: now)
        if bad > 0 { log(.info, "\(record.key) told of \(bad) nodes whose records are no good") }
        for other in good { take(PeerHint(key: other.key, addresses: other.addresses, source: .table, record: other), introducer: record.key) }
        search.answered(record.key, good)
      }
    }
    return search.result
  }

  private func reach(_ record: VerifiedRecord, _ dials: inout Int) async -> Bool {
    if await host.connectedPeers()[record.key] != nil { return true }
    let addresses = record.addresses.filter { host.schemes.contains($0.scheme) && $0.scheme != RelayAddress.scheme }
    let chosen = addresses.filter { budget.take($0, now: now) }
    guard dials > 0, !chosen.isEmpty else { return false }
    dials -= 1
    return await dial(PeerReference(addresses: chosen.map(\.description), key: record.key, relays: [], reason: "found by table"), milliseconds: Self.reachTime)
  }
}

extension TablePoint {
  /// The place of a topic: the hash of its name.
  public init(topic: String) { self.init(SHA256.hash(Array("centram/1/topic\0".utf8) + Array(topic.utf8)))! }
}
