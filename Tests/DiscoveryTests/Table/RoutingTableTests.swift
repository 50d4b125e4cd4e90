import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct RoutingTableTests {
  let now = Signer.now

  private func record(_ number: Int, _ address: String) -> VerifiedRecord { try! VerifiedRecord(Signer(number).record(address), now: now) }

  @Test func distanceIsExclusiveOr() {
    let a = TablePoint([UInt8](repeating: 0, count: 32))!, b = TablePoint([0x80] + [UInt8](repeating: 0, count: 31))!, c = TablePoint([0, 1] + [UInt8](repeating: 0, count: 30))!
    #expect(a.sharedBits(with: b) == 0 && a.sharedBits(with: c) == 15 && a.sharedBits(with: a) == 256)
    #expect(a.isNearer(c, than: b) && b.isNearer(a, than: c) && !a.isNearer(b, than: b))
    #expect(b.bytes[0] == 0x80 && TablePoint([1]) == nil)
    var random = RandomSource(SplitMix64(state: 1))
    for bits in [0, 1, 7, 8, 100, 255] { #expect(c.neighbour(sharing: bits, random: &random).sharedBits(with: c) == bits) }
  }

  @Test func aBucketHoldsTwentyAndWhoAnswersStays() {
    var table = RoutingTable(own: Signer(0).id)
    // Half of all nodes belong to the farthest bucket.
    let far = (1...80).filter { table.own.sharedBits(with: TablePoint(of: Signer($0).id)) == 0 }
    for number in far { table.answered(record(number, "quic://80.\(number).0.1:1"), at: now) }
    #expect(table.count == 20)
    let first = Signer(far[0]).id, waiting = Signer(far.last!).id
    #expect(table.contact(first) != nil && table.contact(waiting) == nil)
    table.failed(first)
    #expect(table.contact(first) != nil)
    table.failed(first)
    #expect(table.contact(first) == nil && table.contact(waiting) != nil && table.count == 20)
  }

  @Test func oneNetworkHoldsTwoPlacesInABucketAndTenInAll() {
    var table = RoutingTable(own: Signer(0).id)
    for number in 1...200 { table.answered(record(number, "quic://203.0.113.\(number):1"), at: now) }
    #expect(table.count <= 10 && table.count >= 6 && table.refusedByNetwork >= 190)
    var wide = RoutingTable(own: Signer(0).id)
    for number in 1...200 { wide.answered(record(number, "quic://[2001:db8:7:\(number)::1]:1"), at: now) }
    #expect(wide.count == 20)
    // Private networks are not counted: a house has one.
    var house = RoutingTable(own: Signer(0).id)
    for number in 1...10 { house.answered(record(number, "quic://192.168.1.\(number):1"), at: now) }
    #expect(house.count == 10)
  }

  @Test func expiredContactsAreNotNamed() {
    var table = RoutingTable(own: Signer(0).id)
    table.answered(record(1, "quic://80.0.0.1:1"), at: now)
    #expect(table.nearest(table.own, 5, now: now).count == 1 && table.nearest(table.own, 5, now: now + 3_600_000).isEmpty)
    table.expire(now: now + 3_600_000)
    #expect(table.count == 0)
  }

  @Test func quietBucketsAreRefreshedEveryHour() {
    var table = RoutingTable(own: Signer(0).id), random = RandomSource(SplitMix64(state: 1))
    for number in 1...40 { table.answered(record(number, "quic://80.\(number).0.1:1"), at: now) }
    let points = table.refreshes(now: now, random: &random)
    #expect(points.count >= 4)
    #expect(table.refreshes(now: now + 3_599_999, random: &random).isEmpty)
    #expect(table.refreshes(now: now + 3_600_000, random: &random).count == points.count)
  }

  @Test func providersNeedATokenTheirOwnKeyAndAPlace() throws {
    var random = RandomSource(SplitMix64(state: 1))
    var node = TableNode(own: Signer(0).id, random: random.fork())
    let provider = Signer(1), content = TablePoint([UInt8](repeating: 7, count: 32))!
    func message(_ signer: Signer, token: Data, number: UInt64 = 1) throws -> WireProvide {
      var message = WireProvide()
      message.record = try VerifiedProvider.make(by: signer.key, content: content, kind: .model, number: number, now: now)
      (message.peer, message.token) = (signer.record("quic://80.0.0.1:1"), token)
      return message
    }
    var question = WireFindNode()
    (question.target, question.maximum) = (Data(content.bytes), 20)
    let token = node.answer(question, to: provider.id, now: now).token
    #expect(throws: DiscoveryError.self) { try node.take(message(provider, token: Data(repeating: 0, count: 16)), from: provider.id, now: now) }
    #expect(throws: DiscoveryError.self) { try node.take(message(provider, token: token), from: provider.id, now: now + 1_200_000) }
    #expect(throws: DiscoveryError.self) { try node.take(message(Signer(2), token: token), from: provider.id, now: now) }
    try node.take(message(provider, token: token), from: provider.id, now: now)
    #expect(throws: DiscoveryError.self) { try node.take(message(provider, token: token), from: provider.id, now: now) }
    try node.take(message(provider, token: token, number: 2), from: provider.id, now: now)
    #expect(node.store.count == 1)
  }

  @Test func storesAreBoundedByContentProviderAndNetwork() throws {
    var limits = ProviderStore.Limits()
    (limits.contents, limits.perContent, limits.perProvider) = (3, 8, 2)
    var store = ProviderStore(limits: limits)
    func add(_ signer: Int, _ content: UInt8, _ address: String) throws -> ProviderStore.Refusal? {
      let point = TablePoint([UInt8](repeating: content, count: 32))!
      let signed = try VerifiedProvider.make(by: Signer(signer).key, content: point, kind: .blob, number: 1, now: now)
      return store.add(try VerifiedProvider(signed, now: now), peer: record(signer, address))
    }
    for number in 0..<4 { #expect(try add(number, 1, "quic://203.0.113.\(number + 1):1") == nil) }
    #expect(try add(4, 1, "quic://203.0.113.5:1") == .network)
    for number in 5..<9 { #expect(try add(number, 1, "quic://80.\(number).0.1:1") == nil) }
    #expect(try add(9, 1, "quic://80.9.0.1:1") == .content)
    #expect(try add(0, 2, "quic://203.0.113.1:1") == nil)
    #expect(try add(0, 3, "quic://203.0.113.1:1") == .provider)
    #expect(try add(20, 3, "quic://80.20.0.1:1") == nil)
    #expect(try add(21, 4, "quic://80.21.0.1:1") == .full)
    store.expire(now: now + 86_400_000)
    #expect(store.count == 0)
  }

  @Test func aSearchIsBoundedHoweverManyAreNamed() {
    var lookup = TableLookup(target: TablePoint([UInt8](repeating: 7, count: 32))!, own: Signer(0).id, from: [record(1, "quic://80.1.0.1:1")])
    var asked = 0, number = 2
    while !lookup.isDone {
      for node in lookup.next() {
        asked += 1
        // Each names twenty new ones, in networks of their own, and then twenty more that are not read.
        lookup.answered(
          node.key,
          (0..<21).map { _ in
            number += 1
            return record(number, "quic://\(20 + number / 200).\(number % 200).0.1:1")
          })
      }
      if asked > 200 { break }
    }
    #expect(asked <= TableLookup.Settings().queries)
  }
}
