import Foundation
import Testing

@testable import CentramNode

@Suite struct DNSMessageTests {
  static let name = DNSName("a1b2._centram._udp.local")
  static let host = DNSName("a1b2.local")
  static let message = DNSMessage(
    id: 7, flags: DNSMessage.response, questions: [DNSQuestion(name: ServiceInstance.service, type: .ptr, unicastReply: true)],
    answers: [
      DNSRecord(name: ServiceInstance.service, data: .ptr(name), ttl: 4500),
      DNSRecord(name: name, data: .srv(priority: 1, weight: 2, port: 9741, target: host), ttl: 120, cacheFlush: true),
      DNSRecord(name: name, data: .txt([Array("v=1".utf8), Array("id=x".utf8)]), ttl: 4500, cacheFlush: true),
    ],
    authorities: [DNSRecord(name: host, data: .a([192, 0, 2, 7]), ttl: 120)],
    additionals: [
      DNSRecord(name: host, data: .aaaa(Array(repeating: 9, count: 16)), ttl: 120), DNSRecord(name: host, data: .nsec(next: host, types: [1, 28]), ttl: 120),
      DNSRecord(name: host, data: .other(DNSType(99), [1, 2, 3]), ttl: 1, recordClass: 3),
    ])

  @Test func comesBackFromItsBytes() throws {
    let bytes = Self.message.encoded()
    #expect(try DNSMessage(bytes) == Self.message)
    #expect(bytes.count < 260, "\(bytes.count) bytes: names are not compressed")
  }

  /// Bytes written by hand from RFC 1035, so that encoder and decoder cannot agree on a mistake.
  @Test func readsAMessageOfTheRFC() throws {
    let bytes: [UInt8] =
      [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0] + [8] + Array("_Centram".utf8) + [4] + Array("_udp".utf8) + [5] + Array("local".utf8) + [0]
      + [0, 12, 0, 1, 0, 0, 0x11, 0x94, 0, 4, 1, 0x78, 0xC0, 12]
    let message = try DNSMessage(bytes)
    #expect(message.answers == [DNSRecord(name: ServiceInstance.service, data: .ptr(ServiceInstance.service.prefixed("x")!), ttl: 4500)])
    #expect(message.isResponse && message.isPlain)
  }

  @Test func pointersGoBackwardsOnly() {
    let header: [UInt8] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    func refuses(_ tail: [UInt8]) -> Bool { (try? DNSMessage(header + tail)) == nil }
    #expect(refuses([0xC0, 12, 0, 12, 0, 1]))  // to itself
    #expect(refuses([0xC0, 14, 0xC0, 12, 0, 12, 0, 1]))  // forwards
    #expect(refuses([1, 97, 0xC0, 12, 0, 12, 0, 1]))  // to its own beginning
    #expect(refuses([0x80, 0, 0, 12, 0, 1]))  // an unknown kind of label
    #expect(refuses([0xC0]))
    #expect(refuses([63, 97, 98, 0, 0, 12, 0, 1]))
  }

  /// A chain of names, each a pointer to the one before: 16 jumps are read, 17 are not.
  @Test func pointersAreCounted() {
    func message(_ links: Int) -> [UInt8] {
      var bytes: [UInt8] = [0, 0, 0, 0, 0, UInt8(links + 1), 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 12, 0, 1]
      var target = 12
      for _ in 0..<links {
        let here = bytes.count
        bytes += [1, 98, 0xC0, UInt8(target), 0, 12, 0, 1]
        target = here
      }
      return bytes
    }
    #expect((try? DNSMessage(message(16)))?.questions.last?.name.labels.count == 17)
    #expect((try? DNSMessage(message(17))) == nil)
  }

  @Test func limitsAreHeldToTheByte() {
    #expect(DNSName(labels: [Array(repeating: 97, count: 63)]) != nil && DNSName(labels: [Array(repeating: 97, count: 64)]) == nil && DNSName(labels: [[]]) == nil)
    let labels = [[UInt8]](repeating: Array(repeating: 97, count: 63), count: 3)
    #expect(DNSName(labels: labels + [Array(repeating: 97, count: 61)]) != nil && DNSName(labels: labels + [Array(repeating: 97, count: 62)]) == nil)
    func questions(_ count: Int) -> [UInt8] { [0, 0, 0, 0, UInt8(count >> 8), UInt8(count & 0xFF), 0, 0, 0, 0, 0, 0] + (0..<count).flatMap { _ in [UInt8(0), 0, 12, 0, 1] } }
    #expect((try? DNSMessage(questions(256)))?.questions.count == 256)
    #expect((try? DNSMessage(questions(257))) == nil)
    #expect((try? DNSMessage(questions(0) + [UInt8](repeating: 0, count: 9000 - 12))) != nil)
    #expect((try? DNSMessage(questions(0) + [UInt8](repeating: 0, count: 9001 - 12))) == nil)
  }

  @Test func everyCutIsRefusedOrHasFewerRecords() throws {
    let bytes = Self.message.encoded()
    for count in 0..<bytes.count { #expect(throws: DiscoveryError.self, "\(count)") { try DNSMessage(Array(bytes[..<count])) } }
  }

  @Test func mutationsAreRefusedOrComeBack() {
    var random = Seeds.fuzz("DNS fuzz")
    let original = Self.message.encoded()
    var read = 0, refused = 0
    for _ in 0..<Seeds.rounds(4_000) {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[at] = 0xC0
        case 2: bytes.remove(at: at)
        case 3: bytes.insert(contentsOf: original.prefix(Int.random(in: 0...40, using: &random)), at: at)
        default: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
      }
      guard let message = try? DNSMessage(bytes) else {
        refused += 1
        continue
      }
      read += 1
      #expect((try? DNSMessage(message.encoded())) == message)
    }
    #expect(read > 100 && refused > 100, "\(read) read, \(refused) refused")
  }
}
