import CentramWire
import SwiftProtobuf
import Testing

@Suite struct FrameTests {
  @Test func aFrameComesBackAsItWasSent() throws {
    var ping = WirePing()
    (ping.nonce, ping.received, ping.wantCapabilities) = (7, 41, true)
    let frame = try Frame.signed(
      ping, by: alice, to: bob.publicKey, session: session, sequence: 5, unixMilliseconds: 1_700_000_000_000, inReplyTo: 3, replyExpected: true)
    #expect(frame.bytes.count == 116 + frame.payload.count + 64)
    let read = try Frame(frame.bytes)
    #expect(read == frame && read.isSigned)
    #expect(read.header.session == session && read.header.sender == alice.publicKey && read.header.recipient == bob.publicKey)
    #expect(read.header.sequence == 5 && read.header.inReplyTo == 3 && read.header.unixMilliseconds == 1_700_000_000_000 && read.header.flags == .replyExpected)
    #expect(try read.message(WirePing.self) == ping)
  }

  @Test(arguments: MessageType.allCases) func eachTypeWithFilledFieldsSurvivesTheRoundTrip(type: MessageType) throws {
    for salt in [0, 17] {
      let message = try type.filled(salt)
      let frame = try Frame(try message.frame().bytes)
      let read = try frame.anyMessage()
      #expect(frame.type == type && frame.payload == type.schema.filled(salt))
      #expect(try read.serializedBytes() as [UInt8] == frame.payload && read.isEqualTo(message: message))
    }
  }

  @Test func fieldsThatAreNotKnownAreKept() throws {
    let payload = MessageType.ping.schema.filled() + Encoding.bytes(1000, [1, 2, 3])
    let message = try Frame(rawFrame(type: MessageType.ping.rawValue, payload: payload)).message(WirePing.self)
    #expect(try message.frame().payload == payload)
  }

  @Test func aMessageOfAnotherTypeIsRefused() throws {
    let frame = try MessageType.ping.filled().frame()
    #expect(throws: WireError(.wrongType, "a ping is no pong", header: frame.header)) { try frame.message(WirePong.self) }
  }

  @Test func bytesThatAreNotOneFrameAreRefused() throws {
    let bytes = try MessageType.ping.filled().frame().bytes
    for (bytes, code) in [(Array(bytes.dropLast()), WireError.Code.wrongLength), (bytes + [0x43], .wrongLength), ([], .wrongLength)] {
      #expect { try Frame(bytes) } throws: { ($0 as? WireError)?.code == code }
    }
  }

  @Test func aSessionHasSixteenBytes() throws {
    let message = WirePing()
    #expect { try Frame.signed(message, by: alice, to: .anyone, session: [1], sequence: 1, unixMilliseconds: 1) } throws: { ($0 as? WireError)?.code == .wrongSession }
  }

  @Test func framesWithoutASignatureAreTakenOnlyWhereThatWasAgreed() throws {
    let message = try #require(try MessageType.activations.filled() as? WireActivations)
    let frame = try Frame.unsigned(message, from: alice.publicKey, to: bob.publicKey, session: session, sequence: 1, unixMilliseconds: 1)
    #expect(!frame.isSigned && frame.bytes.suffix(64).allSatisfy { $0 == 0 })
    #expect(events([frame.bytes[...]], FrameDecoder(unsignedTypes: [.activations])) == [.frame(frame)])
    for types: Set<MessageType> in [[], [.sampledTokens]] {
      guard case .error(let error)? = events([frame.bytes[...]], FrameDecoder(unsignedTypes: types)).first else { return #expect(Bool(false), "taken") }
      #expect(error.code == .badSignature)
    }
    // A wrong signature is refused even where none would be taken.
    var wrong = frame.bytes
    wrong[wrong.count - 1] = 1
    guard case .error? = events([wrong[...]], FrameDecoder(unsignedTypes: [.activations])).first else { return #expect(Bool(false), "taken") }
  }
}
