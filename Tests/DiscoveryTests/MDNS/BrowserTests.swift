import Testing

@testable import CentramNode

@Suite struct BrowserTests {
  private func response(_ records: [DNSRecord]) -> MDNSPacket { MDNSPacket(message: DNSMessage(flags: DNSMessage.response, answers: records)) }

  @Test func twoHostsFindEachOtherWithinTwoSeconds() throws {
    var link = VirtualLink()
    _ = link.add()
    _ = link.add()
    link.run(for: 2_000)
    #expect(link.found(by: 0).contains(1) && link.found(by: 1).contains(0))
    let service = try #require(link.hosts[0].browser!.services.first { $0.id == Seeds.key(1) })
    #expect(
      Set(service.addresses.map(\.description)) == [
        "quic://192.0.2.2:9741", "tcp://192.0.2.2:9750", "quic://[fe80::2%eth0]:9741", "tcp://[fe80::2%eth0]:9750",
      ])
  }

  @Test func whoComesLaterFindsThoseWhoWereThere() {
    var link = VirtualLink()
    for _ in 0..<8 { _ = link.add() }
    link.run(for: 60_000)
    let late = link.add()
    link.run(for: 2_000)
    #expect(link.found(by: late) == Set(0...8))
    #expect((0..<8).allSatisfy { link.found(by: $0).contains(late) })
  }

  @Test func aGoodbyeIsLostAfterASecond() {
    var link = VirtualLink()
    _ = link.add()
    _ = link.add()
    link.run(for: 5_000)
    link.stop(1)
    link.run(for: 900)
    #expect(link.found(by: 0).contains(1))
    link.run(for: 200)
    #expect(!link.found(by: 0).contains(1))
    #expect(link.hosts[0].events.contains { if case .lost(let service) = $0 { service.id == Seeds.key(1) } else { false } })
  }

  /// Pulled from the wall: no goodbye. The SRV record lives for two minutes and is asked for four times before.
  @Test func whoFallsSilentIsAskedAndThenLost() {
    var link = VirtualLink()
    _ = link.add(responds: false)
    _ = link.add(browses: false)
    link.run(for: 10_000)
    link.hosts[1].responder = nil
    link.packets = []
    link.run(for: 130_000)
    #expect(!link.found(by: 0).contains(1))
    let asked = link.packets.filter { $0.packet.message.questions.contains { $0.type == .srv } }.count
    #expect(asked == 4)
  }

  @Test func staysFoundWhileTheOtherAnswers() {
    var link = VirtualLink()
    _ = link.add(responds: false)
    _ = link.add(browses: false)
    link.run(for: 3_600_000)
    #expect(link.found(by: 0) == [1])
    #expect(!link.hosts[0].events.contains { if case .lost = $0 { true } else { false } })
    // About four refreshes an hour of each record that lives two minutes: the link is not kept busy.
    #expect(link.packets.count < 400, "\(link.packets.count) packets in an hour")
  }

  @Test func asksEverMoreSeldomAndSaysWhatItKnows() {
    var link = VirtualLink()
    _ = link.add(responds: false)
    _ = link.add(browses: false)
    link.run(for: 100_000)
    let queries = link.packets.filter { $0.from == 0 && $0.packet.message.questions.contains { $0.type == .ptr } }
    let gaps = zip(queries, queries.dropFirst()).map { $1.at - $0.at }
    #expect(gaps == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
    #expect(queries.last!.packet.message.answers.count == 1)
    // So nobody repeats it.
    #expect(!link.packets.contains { $0.from == 1 && $0.at > 10_000 && $0.packet.message.answers.contains { $0.type == .ptr } })
  }

  @Test func aLossyLinkOnlyDelays() {
    var random = Seeds.fuzz("lossy link")
    var link = VirtualLink()
    var fate = SplitMix64(state: random.next())
    link.drops = { _, _ in Int.random(in: 0..<10, using: &fate) < 4 }
    for _ in 0..<6 { _ = link.add() }
    link.run(for: 120_000)
    for index in 0..<6 { #expect(link.found(by: index) == Set(0..<6)) }
  }

  @Test func aNewAddressReplacesTheOld() {
    var link = VirtualLink()
    _ = link.add(responds: false)
    _ = link.add(browses: false)
    link.run(for: 10_000)
    let instance = link.hosts[1].responder!.instance
    link.hosts[1].responder = nil
    link.deliver(response([DNSRecord(name: instance.host, data: .a([192, 0, 2, 99]), ttl: 120, cacheFlush: true)]), from: 1)
    link.run(for: 1_500)
    let hosts = Set(link.hosts[0].browser!.services.flatMap(\.addresses).map(\.host))
    #expect(hosts.contains("192.0.2.99") && !hosts.contains("192.0.2.2"))
  }

  @Test func believesNoPacketFromAnotherPort() {
    var link = VirtualLink()
    let number = link.add(responds: false)
    let instance = VirtualLink.instance(5)("abc")
    link.hosts[number].browser!.receive(DNSMessage(flags: DNSMessage.response, answers: instance.all), from: Endpoint(IPAddress("192.0.2.6")!, 5354), at: link.now)
    #expect(link.hosts[number].browser!.services.isEmpty)
    link.hosts[number].browser!.receive(DNSMessage(flags: DNSMessage.response, answers: instance.all), from: Endpoint(IPAddress("192.0.2.6")!, 5353), at: link.now)
    #expect(link.hosts[number].browser!.services.count == 1)
  }

  @Test func passesOverWhatIsNoNodeOfThisVersion() {
    let good = ServiceText(id: Seeds.key(1), transports: [ServiceText.Listener(scheme: "quic"), ServiceText.Listener(scheme: "tcp", port: 1)])
    #expect(ServiceText(good.strings) == good)
    func strings(_ list: String...) -> [[UInt8]] { list.map { Array($0.utf8) } }
    let id = "id=" + Hexadecimal.text(Seeds.key(1).bytes)
    #expect(ServiceText(strings("v=1", id))?.transports == [])
    #expect(ServiceText(strings("V=1", id.uppercased(), "new=thing", "flag", "t=quic, ,tcp:0,x:y:z,UP,tcp:7"))?.transports.map(\.scheme) == ["quic", "tcp"])
    #expect(ServiceText(strings("v=2", id)) == nil)
    #expect(ServiceText(strings("v=1", "v=2", id)) != nil)
    #expect(ServiceText(strings("v=1")) == nil)
    #expect(ServiceText(strings("v=1", id + "00")) == nil)
    #expect(ServiceText(strings("v=1", "id=" + String(repeating: "0", count: 64))) == nil)
  }

  @Test func aFloodOfInstancesFillsNothing() {
    var link = VirtualLink()
    let number = link.add(responds: false)
    for flood in 0..<160 { link.deliver(response(VirtualLink.instance(flood)("flood\(flood)").all), from: -1) }
    link.run(for: 3_000)
    let browser = link.hosts[number].browser!
    #expect(browser.services.count == MDNSBrowser.maximumInstances)
    #expect(browser.cache.entries.values.reduce(0) { $0 + $1.count } <= RecordCache.maximumNames * RecordCache.maximumRecords + MDNSBrowser.maximumInstances)
    // Known answers do not fit one datagram, so that they come in several.
    #expect(link.packets.filter { $0.from == number }.allSatisfy { $0.packet.message.encoded().count <= MDNSBrowser.querySize })
    #expect(link.packets.contains { $0.from == number && $0.packet.message.isTruncated })
  }

  @Test func hostileMessagesLeaveItWorking() {
    var random = Seeds.fuzz("mDNS messages")
    var link = VirtualLink()
    _ = link.add()
    _ = link.add()
    let names = [ServiceInstance.service, ServiceInstance.types, DNSName("x.local"), link.hosts[0].responder!.instance.name, link.hosts[0].responder!.instance.host]
    for _ in 0..<Seeds.rounds(600) {
      func record() -> DNSRecord {
        let name = names.randomElement(using: &random)!
        let data: DNSData =
          switch Int.random(in: 0..<6, using: &random) {
          case 0: .a([192, 0, 2, UInt8.random(in: 0...255, using: &random)])
          case 1: .ptr(names.randomElement(using: &random)!)
          case 2: .srv(priority: 0, weight: 0, port: UInt16.random(in: 0...9, using: &random), target: names.randomElement(using: &random)!)
          case 3: .txt([Array("v=1".utf8)])
          case 4: .aaaa(Array(repeating: UInt8.random(in: 0...255, using: &random), count: 16))
          default: .nsec(next: name, types: [1])
          }
        return DNSRecord(name: name, data: data, ttl: [0, 1, 120, 4500, .max].randomElement(using: &random)!, cacheFlush: Bool.random(using: &random))
      }
      let message = DNSMessage(
        flags: [0, 0x8400, 0x0200, 0xFFFF].randomElement(using: &random)!,
        questions: (0..<Int.random(in: 0...2, using: &random)).map { _ in
          DNSQuestion(name: names.randomElement(using: &random)!, type: [.any, .ptr, .srv, .a].randomElement(using: &random)!)
        },
        answers: (0..<Int.random(in: 0...4, using: &random)).map { _ in record() }, authorities: (0..<Int.random(in: 0...2, using: &random)).map { _ in record() })
      link.deliver(MDNSPacket(message: message), from: -1)
      link.run(for: UInt64.random(in: 0...50, using: &random))
    }
    link.run(for: 150_000)
    #expect(link.found(by: 0).contains(1) && link.found(by: 1).contains(0))
  }
}
