import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct AddressBookTests {
  var book = AddressBook(own: Signer(0).id)
  let now = Signer.now

  private func hint(_ number: Int, _ address: String, _ source: HintSource = .exchange) -> PeerHint {
    PeerHint(key: Seeds.key(number), addresses: [try! PeerAddress(address)], source: source)
  }

  @Test mutating func aNewerRecordReplacesAnOlderOne() throws {
    let peer = Signer(1)
    func hint(_ number: UInt64, _ address: String) throws -> PeerHint {
      let record = try VerifiedRecord(peer.record(address, number: number), now: now)
      return PeerHint(key: peer.id, addresses: record.addresses, source: .gossip, record: record)
    }
    #expect(book.add(try hint(5, "quic://198.51.100.1:1"), now: now) == true)
    #expect(!book.add(try hint(4, "quic://198.51.100.2:1"), now: now) && book.refusals[.older] == 1)
    #expect(book.add(try hint(6, "quic://198.51.100.3:1"), now: now) == true)
    #expect(book.candidates(for: peer.id, now: now).map(\.description) == ["quic://198.51.100.3:1"])
    book.withdraw(peer.id, upTo: 6, now: now)
    #expect(book[peer.id] == nil)
    #expect(!book.add(try hint(6, "quic://198.51.100.3:1"), now: now) && book.refusals[.withdrawn] == 1)
    #expect(book.add(try hint(7, "quic://198.51.100.3:1"), now: now) == true)
  }

  @Test mutating func strangersCannotNameLoopbackLinkOrMulticast() {
    for address in ["quic://127.0.0.1:1", "quic://169.254.0.1:1", "quic://224.0.0.1:1", "quic://0.0.0.0:1", "quic://[::1]:1", "quic://[fe80::1]:1", "quic://255.255.255.255:9"] {
      #expect(book.add(hint(1, address), introducer: Seeds.key(9), now: now) == false, "\(address)")
    }
    #expect(book.add(hint(1, "quic://[fe80::1%eth0]:1", .mdns), now: now) && book.add(hint(1, "quic://127.0.0.1:1", .configured), now: now))
    #expect(book.add(PeerHint(key: Signer(0).id, addresses: [try! PeerAddress("quic://198.51.100.1:1")], source: .mdns), now: now) == false)
  }

  @Test mutating func sixteenStrangersOfOneNetworkAndNoMore() {
    for number in 1...16 { #expect(book.add(hint(number, "quic://198.51.100.\(number):1"), introducer: Seeds.key(900 + number), now: now) == true) }
    #expect(!book.add(hint(17, "quic://198.51.100.17:1"), introducer: Seeds.key(917), now: now) && book.refusals[.network] == 1)
    #expect(book.add(hint(17, "quic://198.51.101.17:1"), introducer: Seeds.key(917), now: now) == true)
    // The own link's and a person's word is not counted.
    #expect(book.add(hint(18, "quic://198.51.100.18:1", .mdns), now: now) == true)
    // 64 of one /48, each in a /64 of its own.
    for number in 1...64 { #expect(book.add(hint(100 + number, "quic://[2001:db8:1:\(number)::1]:1"), introducer: Seeds.key(900 + number), now: now) == true) }
    #expect(book.add(hint(200, "quic://[2001:db8:1:ffff::1]:1"), introducer: Seeds.key(999), now: now) == false)
    #expect(book.add(hint(200, "quic://[2001:db8:2:ffff::1]:1"), introducer: Seeds.key(999), now: now) == true)
  }

  @Test mutating func onePeerTellsOf256StrangersAndNoMore() {
    for number in 0..<256 { #expect(book.add(hint(number, "quic://20.\(number / 200).\(number % 200).1:1"), introducer: Seeds.key(9_000), now: now) == true) }
    #expect(!book.add(hint(257, "quic://21.0.0.1:1"), introducer: Seeds.key(9_000), now: now) && book.refusals[.introducer] == 1)
    #expect(book.add(hint(257, "quic://21.0.0.1:1"), introducer: Seeds.key(9_001), now: now) == true)
  }

  @Test func strangersNeverPushOutWhoWasReached() {
    var limits = AddressBook.Limits()
    limits.peers = 40
    var book = AddressBook(own: Signer(0).id, limits: limits)
    for number in 0..<20 {
      book.add(hint(number, "quic://30.\(number).0.1:1", .mdns), now: now)
      book.dialled(Seeds.key(number), try! PeerAddress("quic://30.\(number).0.1:1"), reached: true, now: now)
    }
    for number in 100..<300 { book.add(hint(number, "quic://40.\(number - 100).0.1:1"), introducer: Seeds.key(number), now: now + UInt64(number)) }
    #expect(book.count == 40)
    #expect((0..<20).allSatisfy { book[Seeds.key($0)] != nil })
    // Those who were heard last stay.
    #expect(book[Seeds.key(299)] != nil && book[Seeds.key(100)] == nil)
  }

  @Test mutating func aFailingAddressWaitsTwiceAsLongEachTime() {
    let address = try! PeerAddress("quic://198.51.100.1:1")
    book.add(hint(1, "quic://198.51.100.1:1"), now: now)
    var time = now
    for pause in [30_000, 60_000, 120_000] as [UInt64] {
      book.dialled(Seeds.key(1), address, reached: false, now: time)
      #expect(book.candidates(for: Seeds.key(1), now: time + pause - 1).isEmpty)
      #expect(book.candidates(for: Seeds.key(1), now: time + pause) == [address])
      time += pause
    }
    #expect(AddressBook.pause(after: 100) == 6 * 3_600_000)
    book.dialled(Seeds.key(1), address, reached: true, now: time)
    #expect(book.candidates(for: Seeds.key(1), now: time) == [address])
  }

  @Test mutating func addressesThatAnsweredComeFirstThenTheLinksThenStrangers() {
    for (address, source) in [("quic://198.51.100.1:1", HintSource.exchange), ("quic://198.51.100.2:1", .mdns), ("quic://198.51.100.3:1", .exchange)] {
      book.add(hint(1, address, source), now: now)
    }
    book.dialled(Seeds.key(1), try! PeerAddress("quic://198.51.100.3:1"), reached: true, now: now)
    #expect(book.candidates(for: Seeds.key(1), now: now).map(\.host) == ["198.51.100.3", "198.51.100.2", "198.51.100.1"])
    for number in 10..<40 { book.add(hint(1, "quic://198.51.100.\(number):1"), now: now + UInt64(number)) }
    #expect(book[Seeds.key(1)]!.addresses.count == book.limits.addresses)
    #expect(book.candidates(for: Seeds.key(1), now: now).prefix(2).map(\.host) == ["198.51.100.3", "198.51.100.2"])
  }

  @Test mutating func oldWordIsForgotten() throws {
    let peer = Signer(1), record = try VerifiedRecord(peer.record("quic://198.51.100.1:1", lifetime: 1_000), now: now)
    book.add(PeerHint(key: peer.id, addresses: record.addresses, source: .gossip, record: record), now: now)
    book.expire(now: now + 1_000)
    #expect(book[peer.id] != nil && book[peer.id]?.record == nil)
    book.expire(now: now + 7 * 86_400_000)
    #expect(book[peer.id] == nil)
  }

  @Test func learntAddressesAreDialledAtALimitedRate() {
    var budget = DialBudget()
    let time: UInt64 = 1_000_000
    func address(_ number: Int) -> PeerAddress { try! PeerAddress("quic://50.\(number / 200).\(number % 200).1:1") }
    #expect((0..<100).count { budget.take(address($0), now: time) } == 8)
    #expect((100..<200).count { budget.take(address($0), now: time + 1_000) } == 2)
    // One network only once in ten seconds, whatever is left.
    var fresh = DialBudget()
    #expect(fresh.take(address(1), now: time) && !fresh.take(try! PeerAddress("tcp://50.0.1.77:9"), now: time + 9_999))
    #expect(fresh.take(try! PeerAddress("tcp://50.0.1.77:9"), now: time + 10_000))
  }

  @Test mutating func comesBackFromItsFile() throws {
    let folder = NSTemporaryDirectory() + "/book-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let peer = Signer(1), record = try VerifiedRecord(peer.record("quic://198.51.100.1:1"), now: now)
    book.add(PeerHint(key: peer.id, addresses: record.addresses, source: .gossip, record: record), introducer: Seeds.key(5), now: now)
    book.add(hint(2, "quic://[fe80::1%eth0]:1", .mdns), now: now)
    book.dialled(peer.id, record.addresses[0], reached: true, now: now)
    try book.save(to: folder + "/peers.json")
    let loaded = try AddressBook.load(from: folder + "/peers.json", own: book.own, now: now)
    #expect(loaded.entries == book.entries)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["peers.json"])
    #expect(try AddressBook.load(from: folder + "/none.json", own: book.own, now: now).count == 0)
    // A record whose signature was damaged on the disk does not come back; the rest does.
    let text = try String(contentsOfFile: folder + "/peers.json", encoding: .utf8)
    let damaged = text.replacingOccurrences(of: "\"record\":\"", with: "\"record\":\"AAAA")
    try damaged.write(toFile: folder + "/peers.json", atomically: true, encoding: .utf8)
    let partial = try AddressBook.load(from: folder + "/peers.json", own: book.own, now: now)
    #expect(partial.count == 2 && partial[peer.id]?.record == nil)
    for content in ["", "{}", "[1]", String(text.dropLast(20)), text.replacingOccurrences(of: "\"version\":1", with: "\"version\":2")] {
      try content.write(toFile: folder + "/peers.json", atomically: true, encoding: .utf8)
      #expect(throws: DiscoveryError.self) { try AddressBook.load(from: folder + "/peers.json", own: Signer(0).id, now: Signer.now) }
    }
  }

  @Test mutating func aFileThatCannotBeWrittenIsAnError() {
    #expect(throws: DiscoveryError.self) { try AddressBook(own: Signer(0).id).save(to: "/proc/none/peers.json") }
  }
}
