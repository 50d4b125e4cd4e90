import CentramWire
import Foundation
import Testing

@testable import CentramNode

@Suite struct TicketTests {
  static let ticket = try! Ticket(
    id: Seeds.key(1), addresses: [PeerAddress("quic://192.0.2.7:9741"), PeerAddress("tcp://[2001:db8::1]:9741"), PeerAddress("http://proxy.example:80/centram")],
    relay: Ticket.Relay(id: Seeds.key(2), address: PeerAddress("quic://198.51.100.1:9741")))

  private func code(_ text: String) -> DiscoveryError.Code? {
    do throws(DiscoveryError) {
      _ = try Ticket(text: text)
      return nil
    } catch { return error.code }
  }

  @Test func comesBackFromItsText() throws {
    #expect(try Ticket(text: Self.ticket.description) == Self.ticket)
    let bare = try Ticket(id: Seeds.key(3), addresses: [PeerAddress("quic://[::1]:1")])
    #expect(try Ticket(text: bare.description) == bare)
  }

  /// The example of docs/protocol/tickets.md: whoever writes another implementation can hold it against this.
  @Test func writesTheDocumentedExample() throws {
    let id = NodeKey([UInt8](0..<32))!
    let text = try Ticket(id: id, addresses: [PeerAddress("quic://192.0.2.7:9741")]).description
    let page = try String(contentsOf: URL(fileURLWithPath: "docs/protocol/tickets.md", relativeTo: Seeds.repository), encoding: .utf8)
    #expect(page.contains(text), "\(text)")
  }

  @Test func caseBlanksAndLineEndsDoNotMatter() throws {
    let text = Self.ticket.description
    let folded = text.uppercased().enumerated().map { $0.offset % 40 == 39 ? "\($0.element)\r\n> ".replacingOccurrences(of: ">", with: "\t") : "\($0.element)" }.joined()
    #expect(try Ticket(text: "  \(folded) \n") == Self.ticket)
  }

  @Test func namesEachDamage() {
    let text = Self.ticket.description
    #expect(code("") == .notATicket)
    #expect(code("https://example.org") == .notATicket)
    #expect(code("centramticket") == .notATicket)
    #expect(code(text.replacingOccurrences(of: "centramticket1", with: "centramticket2")) == .ticketVersion)
    #expect(code(text.dropLast(9) + "!" + text.suffix(8)) == .ticketCharacter)
    #expect(code(text + "é") == .ticketCharacter)
    #expect(code(String(text.dropLast(8))) == .ticketTruncated)
    #expect(code(String(text.dropLast())) == .ticketTruncated)
    #expect(code(text + "aaaaaaaa") == .ticketTooLong)
    #expect(code("centramticket1") == .ticketTruncated)
    #expect(code(text + String(repeating: " ", count: 4096 - text.utf8.count)) == nil)
    #expect(code(text + String(repeating: " ", count: 4097 - text.utf8.count)) == .ticketTooLong)
  }

  /// One letter wrong, missing, doubled or exchanged with its neighbour is what pasting and typing do.
  @Test func everySlipOfOneLetterIsRefused() {
    let letters = Array(Self.ticket.description), alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
    var random = SplitMix64(state: 7)
    for index in letters.indices {
      var changed = letters
      repeat { changed[index] = alphabet.randomElement(using: &random)! } while changed[index] == letters[index]
      #expect(code(String(changed)) != nil)
      changed = letters
      changed.remove(at: index)
      #expect(code(String(changed)) != nil)
      changed = letters
      changed.insert(letters[index], at: index)
      #expect(code(String(changed)) != nil)
      if index > 0, letters[index] != letters[index - 1] {
        changed = letters
        changed.swapAt(index, index - 1)
        #expect(code(String(changed)) != nil)
      }
    }
  }

  @Test func holdsEightAddressesAndNoMore() throws {
    let addresses = try (1...9).map { try PeerAddress("quic://192.0.2.\($0):9741") }
    #expect(try Ticket(text: Ticket(id: Seeds.key(1), addresses: Array(addresses[..<8])).description).addresses.count == 8)
    #expect(throws: DiscoveryError.self) { try Ticket(id: Seeds.key(1), addresses: addresses) }
    #expect(throws: DiscoveryError.self) { try Ticket(id: Seeds.key(1), addresses: []) }
    #expect(throws: DiscoveryError.self) { try Ticket(id: .anyone, addresses: addresses.suffix(1)) }
    #expect(throws: DiscoveryError.self) { try Ticket(id: Seeds.key(1), addresses: [addresses[0], addresses[0]]) }
    #expect(throws: DiscoveryError.self) { try Ticket(id: Seeds.key(1), addresses: [PeerAddress("quic://[fe80::1%eth0]:9741")]) }
  }

  @Test func theLongestTicketIsReadable() throws {
    let longest = try (1...8).map { try PeerAddress("quic://\(String(repeating: "\($0)", count: 253 - 12)):9741") }
    let relay = Ticket.Relay(id: Seeds.key(2), address: try PeerAddress("tcp://" + String(repeating: "a", count: 223 - 6)))
    let ticket = try Ticket(id: Seeds.key(1), addresses: longest, relay: relay)
    #expect(ticket.description.utf8.count <= Ticket.maximumTextLength)
    #expect(try Ticket(text: ticket.description) == ticket)
    #expect(throws: DiscoveryError.self) {
      try Ticket(id: Seeds.key(1), addresses: [], relay: Ticket.Relay(id: Seeds.key(2), address: PeerAddress("tcp://" + String(repeating: "a", count: 224 - 6))))
    }
  }

  @Test func mutationsAreTicketsOrNamedErrors() throws {
    var random = Seeds.fuzz("ticket fuzz")
    var refused = 0, read = 0
    for _ in 0..<Seeds.rounds(1_000) {
      var text = Array(Self.ticket.description.utf8)
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let at = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[at] = UInt8.random(in: 0...255, using: &random)
        case 1: text.remove(at: at)
        case 2: text.insert(UInt8.random(in: 0...255, using: &random), at: at)
        default: text = Array(text[..<max(1, at)])
        }
      }
      do throws(DiscoveryError) {
        #expect(try Ticket(text: String(decoding: text, as: UTF8.self)) == Self.ticket)
        read += 1
      } catch {
        #expect(!error.message.isEmpty && error.code != .address)
        refused += 1
      }
    }
    #expect(read > 50 && refused > 50)
  }

  /// Whole tickets whose content nobody checked: checksums are no protection from the one who made them.
  @Test func contentOfStrangersIsReadOrRefused() {
    var random = Seeds.fuzz("ticket content fuzz")
    for _ in 0..<Seeds.rounds(2_000) {
      let fields = (0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) & 0x7F }
      let text = Ticket.text(id: Seeds.key(4), fields: fields)
      if let error = code(text) { #expect(error == .ticketContent) }
    }
    #expect(code(Ticket.text(id: Seeds.key(4), fields: [])) == .ticketContent)
    // A field that this version does not know is passed over.
    let address = Array("quic://192.0.2.1:1".utf8)
    #expect(code(Ticket.text(id: Seeds.key(4), fields: [99, 2, 1, 2, 1, UInt8(address.count)] + address)) == nil)
  }
}
