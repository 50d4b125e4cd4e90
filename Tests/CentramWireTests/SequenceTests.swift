import CentramWire
import Testing

@Suite struct SequenceTests {
  let now: UInt64 = 1_700_000_000_000

  func header(_ sequence: UInt64, from: NodeKey = alice.publicKey, to: NodeKey = bob.publicKey, in session: [UInt8] = session, at time: UInt64 = 0) -> FrameHeader {
    FrameHeader(type: 7, sender: from, recipient: to, session: session, sequence: sequence, unixMilliseconds: time, payloadLength: 0)
  }

  func refusal(_ body: () throws -> Void) -> WireError.Code? {
    do { try body() } catch { return (error as? WireError)?.code }
    return nil
  }

  @Test func sequencesRiseAndRefusedFramesChangeNothing() throws {
    var taken = SequenceGuard(sender: alice.publicKey, recipient: bob.publicKey, session: session)
    #expect(refusal { try taken.take(header(0)) } == .badSequence)
    try taken.take(header(1))
    #expect(refusal { try taken.take(header(1)) } == .badSequence)
    try taken.take(header(9))
    #expect(refusal { try taken.take(header(8)) } == .badSequence)
    #expect(refusal { try taken.take(header(10, from: bob.publicKey)) } == .wrongPeer)
    #expect(refusal { try taken.take(header(10, to: .anyone)) } == .wrongPeer)
    #expect(refusal { try taken.take(header(10, in: FrameHeader.noSession)) } == .wrongSession)
    #expect(taken.last == 9)
    try taken.take(header(10))
    try taken.take(header(.max))
    #expect(refusal { try taken.take(header(.max)) } == .badSequence)
  }

  @Test func aResumedSessionGoesOnAboveItsLastSequence() throws {
    var taken = SequenceGuard(sender: alice.publicKey, recipient: bob.publicKey, session: session, last: 41)
    #expect(refusal { try taken.take(header(41)) } == .badSequence)
    try taken.take(header(42))
  }

  @Test func gossipMoreThanFiveMinutesOffIsRefused() throws {
    let skew = GossipGuard.maximumSkew
    #expect(skew == 300_000)
    for (time, isTaken) in [(now - skew, true), (now + skew, true), (now - skew - 1, false), (now + skew + 1, false), (0, false), (.max, false)] {
      var gossip = GossipGuard()
      let frame = header(1, to: .anyone, in: FrameHeader.noSession, at: time)
      #expect(refusal { try gossip.take(frame, now: now) } == (isTaken ? nil : .badTime), "\(time)")
    }
  }

  @Test func gossipIsNotTakenTwiceEvenAfterItsSenderCouldBeForgotten() throws {
    var gossip = GossipGuard()
    let frame = header(5, to: .anyone, in: FrameHeader.noSession, at: now + GossipGuard.maximumSkew)
    try gossip.take(frame, now: now)
    for later in stride(from: UInt64(0), through: 2 * GossipGuard.maximumSkew + 2000, by: 1000) {
      #expect([.badSequence, .badTime].contains(refusal { try gossip.take(frame, now: now + later) }), "\(later) ms later")
    }
    #expect(refusal { try gossip.take(header(6, in: FrameHeader.noSession, at: now), now: now) } == .wrongPeer)
    #expect(refusal { try gossip.take(header(6, to: .anyone, at: now), now: now) } == .wrongSession)
  }

  @Test func rememberedSendersAreBounded() throws {
    var gossip = GossipGuard(maximumSenders: 3)
    func frame(_ sender: UInt8, _ sequence: UInt64, at time: UInt64) -> FrameHeader {
      header(sequence, from: NodeKey([UInt8](repeating: sender, count: 32))!, to: .anyone, in: FrameHeader.noSession, at: time)
    }
    for sender in 1...3 { try gossip.take(frame(UInt8(sender), 1, at: now), now: now) }
    #expect(refusal { try gossip.take(frame(4, 1, at: now), now: now) } == .badSequence)
    try gossip.take(frame(1, 2, at: now), now: now)
    let later = now + GossipGuard.maximumSkew + 1
    try gossip.take(frame(4, 1, at: later), now: later)
    #expect(gossip.senders == 1)
  }
}
