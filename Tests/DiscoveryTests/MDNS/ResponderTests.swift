import Testing

@testable import CentramNode

@Suite struct ResponderTests {
  private func query(_ name: DNSName, _ type: DNSType, known: [DNSRecord] = [], unicast: Bool = false) -> MDNSPacket {
    MDNSPacket(message: DNSMessage(questions: [DNSQuestion(name: name, type: type, unicastReply: unicast)], answers: known))
  }

  private func announced(_ link: inout VirtualLink) -> ServiceInstance {
    let index = link.add(browses: false)
    link.run(for: 10_000)
    link.packets = []
    return link.hosts[index].responder!.instance
  }

  @Test func probesThreeTimesThenAnnouncesThreeTimes() {
    var link = VirtualLink()
    _ = link.add(browses: false)
    link.run(for: 20_000)
    let probes = link.packets.filter { !$0.packet.message.isResponse }, announcements = link.packets.filter { $0.packet.message.isResponse }
    #expect(probes.count == 3 && announcements.count == 3)
    #expect(zip(probes, probes.dropFirst()).allSatisfy { $1.at - $0.at == 250 })
    #expect(probes.allSatisfy { $0.packet.message.authorities.count == 4 && $0.packet.message.questions.allSatisfy { $0.type == .any && $0.unicastReply } })
    #expect(announcements[0].at - probes[2].at == 250 && announcements[1].at - announcements[0].at >= 1000)
    #expect(announcements[0].packet.message.answers.map(\.type) == [.ptr, .srv, .txt, .a, .aaaa])
    #expect(announcements[0].packet.message.answers.map(\.cacheFlush) == [false, true, true, true, true])
  }

  @Test func answersTheServiceWithAllThatIsNeeded() {
    var link = VirtualLink()
    let instance = announced(&link)
    link.deliver(query(ServiceInstance.service, .ptr), from: -1)
    let asked = link.now
    link.run(for: 1_000)
    let replies = link.packets.filter { $0.packet.message.isResponse }
    #expect(replies.count == 1)
    #expect((20...120).contains(replies[0].at - asked))
    #expect(replies[0].packet.message.answers == [instance.pointer])
    #expect(Set(replies[0].packet.message.additionals.map(\.type)) == [.srv, .txt, .a, .aaaa, .nsec])
  }

  @Test func leavesOutWhatTheAskerKnowsForHalfItsLifeOrMore() {
    for (ttl, replies) in [(UInt32(2250), 0), (2249, 1)] {
      var link = VirtualLink()
      let instance = announced(&link)
      var known = instance.pointer
      known.ttl = ttl
      link.deliver(query(ServiceInstance.service, .ptr, known: [known]), from: -1)
      link.run(for: 1_000)
      #expect(link.packets.filter { $0.packet.message.isResponse }.count == replies, "\(ttl)")
    }
  }

  @Test func waitsForTheRestOfATruncatedListOfKnownAnswers() {
    var link = VirtualLink()
    let instance = announced(&link)
    var first = query(ServiceInstance.service, .ptr)
    first.message.flags |= DNSMessage.truncated
    link.deliver(first, from: -1)
    link.run(for: 300)
    link.deliver(MDNSPacket(message: DNSMessage(answers: [instance.pointer])), from: -1)
    link.run(for: 1_000)
    #expect(!link.packets.contains { $0.packet.message.isResponse })
  }

  @Test func sendsNoRecordToAllTwiceInASecond() {
    var link = VirtualLink()
    _ = announced(&link)
    for _ in 0..<20 {
      link.deliver(query(ServiceInstance.service, .ptr), from: -1)
      link.run(for: 100)
    }
    let times = link.packets.filter { $0.packet.message.isResponse }.map(\.at)
    #expect(!times.isEmpty && zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= 1000 })
  }

  @Test func saysWhichTypesANameHasNot() {
    var link = VirtualLink()
    let instance = announced(&link)
    link.deliver(query(instance.host, .txt), from: -1)
    link.run(for: 10)
    #expect(link.packets.last?.packet.message.answers.map(\.data) == [.nsec(next: instance.host, types: [1, 28])])
    link.deliver(query(DNSName("nobody.local"), .a), from: -1)
    link.run(for: 1_000)
    #expect(link.packets.filter { $0.packet.message.isResponse }.count == 1)
  }

  @Test func answersOneAskerAloneWhenTheLinkHeardItLately() {
    var link = VirtualLink()
    let instance = announced(&link)
    link.deliver(query(instance.name, .srv, unicast: true), from: -1)
    link.run(for: 10)
    #expect(link.packets.last?.packet.destination == .host(Endpoint(IPAddress("192.0.2.200")!, 5353)))
    // A quarter of the SRV record's life later all are told again.
    link.run(for: 31_000)
    link.deliver(query(instance.name, .srv, unicast: true), from: -1)
    link.run(for: 10)
    #expect(link.packets.last?.packet.destination == .group)
  }

  @Test func answersAPlainResolverInItsOwnWay() {
    var link = VirtualLink()
    _ = announced(&link)
    let asker = Endpoint(IPAddress("192.0.2.9")!, 40_000)
    let question = DNSQuestion(name: ServiceInstance.service, type: .ptr)
    link.hosts[0].responder!.receive(DNSMessage(id: 77, questions: [question]), from: asker, at: link.now)
    link.run(for: 200)
    let reply = link.packets.last!.packet
    #expect(reply.destination == .host(asker) && reply.message.id == 77 && reply.message.questions == [question])
    #expect((reply.message.answers + reply.message.additionals).allSatisfy { $0.ttl <= 10 && !$0.cacheFlush })
  }

  @Test func listsItsTypeForWhoeverBrowsesTypes() {
    var link = VirtualLink()
    let instance = announced(&link)
    link.deliver(query(ServiceInstance.types, .ptr), from: -1)
    link.run(for: 200)
    #expect(link.packets.last?.packet.message.answers == [instance.typePointer])
  }

  @Test func ofTwoWithOneNameOneTakesAnother() {
    var link = VirtualLink()
    // The same seed gives the same label.
    _ = link.add(browses: false, seed: 9)
    _ = link.add(browses: false, seed: 9)
    #expect(link.hosts[0].responder!.instance.name == link.hosts[1].responder!.instance.name)
    link.run(for: 10_000)
    #expect(link.hosts[0].responder!.instance.name != link.hosts[1].responder!.instance.name)
    #expect(link.hosts.allSatisfy { $0.responder!.isAnnounced })
  }

  @Test func takesAnotherNameWhenSomebodyClaimsIts() {
    var link = VirtualLink()
    let before = announced(&link)
    let claim = DNSRecord(name: before.host, data: .a([192, 0, 2, 66]), ttl: 120, cacheFlush: true)
    link.deliver(MDNSPacket(message: DNSMessage(flags: DNSMessage.response, answers: [claim])), from: -1)
    link.run(for: 10_000)
    let after = link.hosts[0].responder!
    #expect(after.instance.name != before.name && after.isAnnounced)
  }

  /// Somebody who claims every name that comes up makes this node slow, not busy.
  @Test func afterFifteenConflictsItWaits() {
    var link = VirtualLink()
    _ = link.add(browses: false)
    for _ in 0..<200 {
      link.run(for: 100)
      let claim = DNSRecord(name: link.hosts[0].responder!.instance.host, data: .a([192, 0, 2, 66]), ttl: 120)
      link.deliver(MDNSPacket(message: DNSMessage(flags: DNSMessage.response, answers: [claim])), from: -1)
    }
    #expect(link.packets.filter { $0.from == 0 }.count < 40, "\(link.packets.filter { $0.from == 0 }.count) packets in 20 s")
  }

  @Test func saysGoodbyeOnceItHasAnnounced() {
    var link = VirtualLink()
    let instance = announced(&link)
    link.stop(0)
    #expect(link.packets.last?.packet.message.answers.map(\.name) == instance.all.map(\.name))
    #expect(link.packets.last?.packet.message.answers.allSatisfy { $0.ttl == 0 } == true)
    var early = VirtualLink()
    _ = early.add(browses: false)
    early.run(for: 300)
    early.packets = []
    early.stop(0)
    #expect(early.packets.isEmpty)
  }

  @Test func answersAtMostFiftyQuestionsASecond() {
    var link = VirtualLink()
    let instance = announced(&link)
    var responder = link.hosts[0].responder!
    let message = DNSMessage(questions: [DNSQuestion(name: instance.name, type: .srv, unicastReply: true)])
    var sent = 0
    for number in 0..<60 {
      responder.receive(message, from: Endpoint(IPAddress("192.0.2.\(number)")!, 5353), at: link.now)
      sent += responder.poll(at: link.now).count
    }
    #expect(sent == MDNSResponder.maximumReplies && responder.refused == 60 - MDNSResponder.maximumReplies)
  }
}
