import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct ExchangeTests {
  let now = Signer.now, own = Signer(0), asker = Signer(1)
  var random = RandomSource(SplitMix64(state: 4))

  private func book(_ count: Int) -> AddressBook {
    var book = AddressBook(own: own.id)
    for number in 0..<count {
      let record = try! VerifiedRecord(Signer(100 + number).record("quic://60.\(number).0.1:1"), now: now)
      book.add(PeerHint(key: record.key, addresses: record.addresses, source: .gossip, record: record), now: now)
    }
    return book
  }

  @Test mutating func tellsWhatTheAskerDoesNotKnow() throws {
    let book = book(40)
    var exchange = PeerExchange()
    let known = (0..<30).map { Signer(100 + $0).id }
    let request = PeerExchange.request(64, knowing: known, transports: ["quic"], random: &random)
    let reply = try exchange.answer(request, to: asker.id, from: book, ownRecord: own.record("quic://60.99.0.1:1"), now: now, random: &random)
    let told = Set(reply.records.map { NodeKey($0.signer)! })
    #expect(told.isDisjoint(with: known) && told.contains(own.id) && told.count >= 9)
    var mine = AddressBook(own: asker.id), verifier = RecordVerifier()
    let result = PeerExchange.take(reply, from: own.id, into: &mine, verifier: &verifier, now: now)
    #expect(result.new == told.count && result.bad == 0 && mine[own.id]?.introducer == nil)
    #expect(mine.entries.values.filter { $0.key != own.id }.allSatisfy { $0.introducer == own.id && $0.isStranger })
  }

  @Test mutating func answersOnceInTwentySeconds() throws {
    let book = book(3)
    var exchange = PeerExchange()
    let request = PeerExchange.request(1, knowing: [NodeKey](), transports: [], random: &random)
    let first = try exchange.answer(request, to: asker.id, from: book, ownRecord: nil, now: now, random: &random)
    #expect(first.records.count == 1 && first.truncated)
    #expect(throws: DiscoveryError.self) { try exchange.answer(request, to: asker.id, from: book, ownRecord: nil, now: now + 19_999, random: &random) }
    #expect(try exchange.answer(request, to: Signer(2).id, from: book, ownRecord: nil, now: now, random: &random).records.count == 1)
    #expect(try exchange.answer(request, to: asker.id, from: book, ownRecord: nil, now: now + 20_000, random: &random).records.count == 1)
  }

  @Test mutating func badRecordsAreCountedAndNotKept() {
    var reply = WirePeerExchangeReply()
    var forged = Signer(5).record("quic://60.1.0.1:1")
    forged.signature[3] ^= 1
    reply.records = [forged, Signer(6).record("quic://60.2.0.1:1", now: now - 9_000_000), Signer(7).record("quic://60.3.0.1:1")]
    var mine = AddressBook(own: own.id), verifier = RecordVerifier()
    let result = PeerExchange.take(reply, from: asker.id, into: &mine, verifier: &verifier, now: now)
    #expect(result.new == 1 && result.bad == 2 && mine.count == 1)
  }

  @Test mutating func onlyTransportsAndNetworksThatWereAskedFor() throws {
    var book = book(2)
    let record = try VerifiedRecord(Signer(50).record("tcp://61.0.0.1:1"), now: now)
    book.add(PeerHint(key: record.key, addresses: record.addresses, source: .gossip, record: record), now: now)
    var exchange = PeerExchange()
    let tcp = PeerExchange.request(64, knowing: [NodeKey](), transports: ["tcp"], random: &random)
    #expect(try exchange.answer(tcp, to: asker.id, from: book, ownRecord: nil, now: now, random: &random).records.map { NodeKey($0.signer)! } == [Signer(50).id])
    let network = PeerExchange.request(64, knowing: [NodeKey](), transports: [], network: Array(repeating: 1, count: 32), random: &random)
    #expect(try exchange.answer(network, to: Signer(3).id, from: book, ownRecord: nil, now: now, random: &random).records.isEmpty)
  }

  @Test mutating func filtersForgetNobodyAndInventFew() {
    let keys = (0..<500).map { Seeds.key($0) }
    let filter = KeyFilter(keys, salt: Array(repeating: 3, count: 16))
    #expect(keys.allSatisfy { filter.contains($0) })
    #expect((1_000..<2_000).count { filter.contains(Seeds.key($0)) } < 40)
    #expect(KeyFilter(bits: Array(repeating: 0xFF, count: 2_048), salt: [], hashes: 8) != nil)
    #expect(KeyFilter(bits: Array(repeating: 0xFF, count: 2_049), salt: [], hashes: 8) == nil)
    #expect(KeyFilter(bits: [1], salt: [], hashes: 9) == nil && KeyFilter(bits: [1], salt: [], hashes: 0) == nil)
  }
}

@Suite struct GossipTests {
  let now = Signer.now, own = Signer(0), neighbour = Signer(1)
  var gossip = Gossip(random: RandomSource(SplitMix64(state: 6)))
  var book = AddressBook(own: Signer(0).id)
  var verifier = RecordVerifier()
  let peers = (1...20).map { Signer($0).id }

  private mutating func hear(_ message: WireAnnounce, from: Signer? = nil, at time: UInt64? = nil) -> Gossip.Verdict {
    gossip.announced(message, from: (from ?? neighbour).id, peers: peers, book: &book, verifier: &verifier, now: time ?? now)
  }

  @Test mutating func newsGoToSixOthersOnce() throws {
    let author = Signer(50), message = author.announce(author.record("quic://70.0.0.1:1"))
    guard case .forward(let targets) = hear(message) else { throw DiscoveryError(.record, "news were not passed on") }
    #expect(targets.count == 6 && !targets.contains(neighbour.id) && Set(targets).isSubset(of: Set(peers)))
    #expect(hear(message, from: Signer(2)) == .known)
    #expect(gossip.score(neighbour.id, now: now) == 1 && gossip.score(Signer(2).id, now: now) == 0)
  }

  @Test mutating func eightHopsAreTheEnd() throws {
    let author = Signer(50)
    #expect(hear(author.announce(author.record("quic://70.0.0.1:1"), hops: 8)) == .keep)
    if case .refused = hear(author.announce(author.record("quic://70.0.0.1:1", number: 2), hops: 9)) {} else { Issue.record("nine hops were taken") }
  }

  @Test mutating func whoLiesIsNotListenedToForAWhile() {
    var forged = Signer(50).record("quic://70.0.0.1:1")
    forged.signature[0] ^= 1
    for _ in 0..<2 { _ = hear(Signer(50).announce(forged)) }
    #expect(gossip.score(neighbour.id, now: now) == -10)
    let good = Signer(51).announce(Signer(51).record("quic://70.1.0.1:1"))
    if case .refused = hear(good) {} else { Issue.record("a liar was listened to") }
    if case .forward(let targets) = hear(good, from: Signer(2)) { #expect(!targets.contains(neighbour.id)) } else { Issue.record("news of another were not taken") }
    if case .forward = hear(Signer(52).announce(Signer(52).record("quic://70.2.0.1:1")), at: now + 700_000) {} else { Issue.record("nothing was forgiven") }
  }

  @Test mutating func aHundredAndTwentyAMinuteFromANeighbour() {
    let message = Signer(50).announce(Signer(50).record("quic://70.0.0.1:1"))
    var refused = 0
    for _ in 0..<125 { if case .refused = hear(message) { refused += 1 } }
    #expect(refused == 5)
    #expect(hear(message, at: now + 60_000) == .known)
  }

  @Test mutating func onePeersRecordsArePassedOnEveryFiveSeconds() {
    let author = Signer(50)
    if case .forward = hear(author.announce(author.record("quic://70.0.0.1:1", number: 1))) {} else { Issue.record("the first was not passed on") }
    #expect(hear(author.announce(author.record("quic://70.0.0.1:1", number: 2)), at: now + 4_999) == .keep)
    if case .forward = hear(author.announce(author.record("quic://70.0.0.1:1", number: 3)), at: now + 5_000) {} else { Issue.record("the third was not passed on") }
  }

  @Test mutating func whoGoesIsForgotten() throws {
    let author = Signer(50)
    _ = hear(author.announce(author.record("quic://70.0.0.1:1", number: 3)))
    var record = WireWithdrawalRecord()
    (record.key, record.number, record.madeMs, record.reason) = (Data(author.id.bytes), 3, now, .shutdown)
    var message = WireWithdraw()
    message.record = try WireSigned(record, by: author.key, domain: .withdraw)
    let verdict = gossip.withdrawn(message, from: neighbour.id, peers: peers, book: &book, now: now + 6_000)
    if case .forward(let targets) = verdict { #expect(targets.count == 6) } else { Issue.record("\(verdict)") }
    #expect(book[author.id] == nil)
    #expect(gossip.withdrawn(message, from: neighbour.id, peers: peers, book: &book, now: now + 6_000) == .known)
    // Nobody takes back what another said.
    message.record = try WireSigned(record, by: neighbour.key, domain: .withdraw)
    if case .refused = gossip.withdrawn(message, from: neighbour.id, peers: peers, book: &book, now: now) {} else { Issue.record("a stranger withdrew") }
  }
}
