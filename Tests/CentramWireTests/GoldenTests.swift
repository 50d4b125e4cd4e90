import CentramWire
import Foundation
import SwiftProtobuf
import Testing

/// Files in Tests/Fixtures/Golden/Wire, made by the scripts beside them with other implementations.
enum Golden {
  struct Frames: Decodable {
    struct Frame: Decodable {
      let name: String, family: String, type: UInt16, sequence: UInt64, time: UInt64, inReplyTo: UInt64, replyExpected: Bool, session: String, recipient: String, json: String,
        frame: String
    }
    let seed: String, sender: String, frames: [Frame]
  }
  struct Case: Decodable {
    let name: String, valid: Bool, key: String, message: String, signature: String
  }

  static func read<T: Decodable>(_ name: String) throws -> T {
    try JSONDecoder().decode(T.self, from: Data(contentsOf: Schema.root.appendingPathComponent("Tests/Fixtures/Golden/Wire/\(name)")))
  }

  static func bytes(_ text: String) -> [UInt8] {
    let digits = text.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

@Suite struct GoldenTests {
  /// Google's Protocol Buffers for Python and PyNaCl made these: read, they have the values written beside them; made here, the same bytes.
  @Test func framesOfEachTypeAreThoseOfAnotherImplementation() throws {
    let golden: Golden.Frames = try Golden.read("frames.json")
    let key = try SigningKey(seed: Golden.bytes(golden.seed))
    #expect(key.publicKey.description == golden.sender)
    #expect(Set(golden.frames.map(\.type)).count == 96 && Set(golden.frames.map(\.family)) == Set(Schema.families))
    for golden in golden.frames {
      let frame = try Frame(Golden.bytes(golden.frame))
      #expect("\(frame.type)".lowercased() == golden.name.lowercased() && frame.header.type == golden.type)
      #expect(frame.header.sequence == golden.sequence && frame.header.unixMilliseconds == golden.time && frame.header.inReplyTo == golden.inReplyTo)
      #expect(frame.header.session == Golden.bytes(golden.session) && frame.header.recipient.bytes == Golden.bytes(golden.recipient))
      let message = try frame.anyMessage()
      #expect(message.isEqualTo(message: try frame.type.message.init(jsonString: golden.json)), "\(golden.name)")
      let made = try Self.make(message, key, golden)
      #expect(made.bytes == frame.bytes, "\(golden.name)")
    }
  }

  private static func make(_ message: some WireMessage, _ key: SigningKey, _ golden: Golden.Frames.Frame) throws -> Frame {
    try Frame.signed(
      message, by: key, to: try #require(NodeKey(Golden.bytes(golden.recipient))), session: Golden.bytes(golden.session), sequence: golden.sequence,
      unixMilliseconds: golden.time, inReplyTo: golden.inReplyTo, replyExpected: golden.replyExpected)
  }

  /// What a strict check refuses, made by arithmetic on the curve without libsodium.
  @Test func signaturesAreCheckedStrictly() throws {
    let cases: [Golden.Case] = try Golden.read("ed25519.json")
    #expect(cases.count > 30)
    for signature in cases {
      let key = try #require(NodeKey(Golden.bytes(signature.key)))
      let holds = Signature.holds(Golden.bytes(signature.signature), of: Golden.bytes(signature.message), domain: .frame, by: key)
      #expect(holds == signature.valid, "\(signature.name)")
    }
  }
}

@Suite struct SigningTests {
  /// RFC 8032, section 7.1, test 1: the key of a seed.
  @Test func keysAreThoseOfTheStandard() throws {
    let seed = Golden.bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    #expect(try SigningKey(seed: seed).publicKey.description == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
  }

  @Test func aSeedHasThirtyTwoBytesAndAKeyToo() throws {
    for count in [0, 31, 33] {
      #expect(throws: WireError(.badKey, "a seed has 32 bytes, not \(count)")) { try SigningKey(seed: [UInt8](repeating: 1, count: count)) }
      #expect(NodeKey([UInt8](repeating: 1, count: count)) == nil)
    }
    #expect(NodeKey.anyone.bytes == [UInt8](repeating: 0, count: 32))
    #expect(try #require(NodeKey([0] + [UInt8](repeating: 255, count: 31))) < #require(NodeKey([1] + [UInt8](repeating: 0, count: 31))))
  }

  @Test func eachBitOfAFrameIsUnderTheSignature() throws {
    let bytes = try MessageType.findNode.filled().frame().bytes
    for bit in 0..<bytes.count * 8 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: WireError.self, "bit \(bit)") { try Frame(changed) }
    }
  }

  @Test func aSignatureOfOneDomainIsNoneOfAnother() throws {
    let signed = WireSigned(content: [1, 2, 3], by: alice, domain: .ledger)
    #expect(try signed.verified(domain: .ledger) == alice.publicKey)
    #expect { try signed.verified(domain: .genome) } throws: { ($0 as? WireError)?.code == .badSignature }
    var other = signed
    other.content.append(0)
    #expect { try other.verified(domain: .ledger) } throws: { ($0 as? WireError)?.code == .badSignature }
    other = signed
    other.signer.removeLast()
    #expect { try other.verified(domain: .ledger) } throws: { ($0 as? WireError)?.code == .badKey }
    other = signed
    other.signature.removeLast()
    #expect { try other.verified(domain: .ledger) } throws: { ($0 as? WireError)?.code == .badSignature }
    #expect { try signed.opened(WirePeerRecord.self, domain: .ledger) } throws: { ($0 as? WireError)?.code == .malformedMessage }
  }

  @Test func everyErrorHasACodeForThePeer() {
    let codes: [(WireError.Code, WireErrorCode)] = [
      (.badMagic, .malformedFrame), (.unsupportedVersion, .unsupportedVersion), (.badFlags, .malformedFrame), (.unknownType, .unknownType), (.payloadTooLong, .tooLarge),
      (.wrongLength, .malformedFrame), (.badSignature, .badSignature), (.malformedMessage, .malformedMessage), (.invalidField, .malformedMessage), (.wrongType, .unexpected),
      (.badSequence, .badSequence), (.badTime, .badTime), (.wrongSession, .wrongSession), (.wrongPeer, .wrongPeer), (.badKey, .badSignature),
    ]
    for (code, told) in codes { #expect(WireError(code, "").protocolCode == told) }
  }
}
