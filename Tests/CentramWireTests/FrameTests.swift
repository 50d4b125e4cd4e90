import CentramWire
import Testing

@Suite struct FrameTests {
  let alice = try! SigningKey(seed: [UInt8](repeating: 1, count: 32)), bob = try! SigningKey(seed: [UInt8](repeating: 2, count: 32))

  @Test func aFrameComesBackAsItWasSent() throws {
    var ping = WirePing()
    (ping.nonce, ping.received, ping.wantCapabilities) = (7, 41, true)
    let session = (0..<16).map(UInt8.init)
    let frame = try Frame.signed(
      ping, by: alice, to: bob.publicKey, session: session, sequence: 5, unixMilliseconds: 1_700_000_000_000, inReplyTo: 3, replyExpected: true)
    #expect(frame.bytes.count == 116 + frame.payload.count + 64)
    let read = try Frame(frame.bytes)
    #expect(read == frame && read.isSigned)
    #expect(read.header.session == session && read.header.sender == alice.publicKey && read.header.recipient == bob.publicKey)
    #expect(read.header.sequence == 5 && read.header.inReplyTo == 3 && read.header.unixMilliseconds == 1_700_000_000_000 && read.header.flags == .replyExpected)
    #expect(try read.message(WirePing.self) == ping)
    #expect(throws: WireError.self) { try read.message(WirePong.self) }
  }
}
