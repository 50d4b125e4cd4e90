import CentramWire
import Foundation
import Testing

@testable import CentramNode

/// The handshake as a value: frames in, steps out.
@Suite struct HandshakeTests {
  static let dialler = try! SigningKey(seed: [UInt8](repeating: 1, count: 32)), dialled = try! SigningKey(seed: [UInt8](repeating: 2, count: 32))
  static let old = [UInt8](repeating: 9, count: 16)

  static func settings(_ key: SigningKey, binding: [UInt8] = [1, 2, 3], secret: UInt8, peer: NodeKey? = nil, network: [UInt8] = []) -> Handshake.Settings {
    Handshake.Settings(
      key: key, transportPeer: peer, binding: binding, ephemeralSecret: [UInt8](repeating: secret, count: 32), nonce: [UInt8](repeating: secret, count: 32), network: network)
  }

  struct Ends {
    var dialler = Handshake(dialling: settings(HandshakeTests.dialler, secret: 3), expecting: HandshakeTests.dialled.publicKey, resume: nil)
    var dialled = Handshake(accepting: settings(HandshakeTests.dialled, secret: 4))
    /// What the dialled end holds of the session that was asked for; nil: nothing.
    var held: Handshake.Resumption?
    /// Changes the frame with this number on its way.
    var change: ((Int, Frame) throws -> Frame)?

    /// Carries frames between the ends until both are done.
    mutating func run() throws -> (dialler: Handshake.Agreement, dialled: Handshake.Agreement) {
      var (toDialled, toDialler) = ([try dialler.start(at: 5)], [Frame]())
      var results: (Handshake.Agreement?, Handshake.Agreement?), number = 0
      while results.0 == nil || results.1 == nil {
        if !toDialled.isEmpty {
          let frame = try change?(number, toDialled[0]) ?? toDialled[0]
          (toDialled, number) = (Array(toDialled.dropFirst()), number + 1)
          switch try dialled.receive(frame) {
          case .greet(_, let wanted): toDialler.append(try dialled.greet(resume: wanted.flatMap { $0.session == held?.session ? held : nil }, at: 5))
          case .decide: toDialler += try dialled.proceed(received: held?.received, at: 5)
          case .finished(let agreement): results.1 = agreement
          default: break
          }
        } else if !toDialler.isEmpty {
          let frame = try change?(number, toDialler[0]) ?? toDialler[0]
          (toDialler, number) = (Array(toDialler.dropFirst()), number + 1)
          switch try dialler.receive(frame) {
          case .decide: toDialled += try dialler.proceed(received: nil, at: 5)
          case .accepted(let agreement):
            results.0 = agreement
            toDialled.append(try dialler.accept(received: 17, at: 5))
          default: break
          }
        } else {
          throw SessionError(.timedOut, "both ends wait")
        }
      }
      return (results.0!, results.1!)
    }

    /// Why it fails.
    mutating func failure() -> SessionError.Code? {
      do {
        _ = try run()
        return nil
      } catch { return (error as? SessionError)?.code }
    }
  }

  /// Signs a frame's message again after a change, as its sender would.
  static func changed<M: WireMessage>(_ frame: Frame, _ type: M.Type, key: SigningKey? = nil, sequence: UInt64? = nil, _ change: (inout M) -> Void) throws -> Frame {
    var message = try frame.message(type)
    change(&message)
    let signer = key ?? (frame.header.sender == dialler.publicKey ? dialler : dialled)
    return try Frame.signed(
      message, by: signer, to: frame.header.recipient, sequence: sequence ?? frame.header.sequence, unixMilliseconds: frame.header.unixMilliseconds,
      inReplyTo: frame.header.inReplyTo)
  }

  @Test func bothEndsAgreeOnKeysAndSession() throws {
    var ends = Ends()
    let (a, b) = try ends.run()
    #expect(a.session == b.session && a.keys == b.keys && a.session.count == 16)
    #expect(a.peer == Self.dialled.publicKey && b.peer == Self.dialler.publicKey)
    #expect(a.isDialler && !b.isDialler && !a.isResumed && !b.isResumed && a.peerReceived == 0)
    #expect(a.keys.fromDialler != a.keys.toDialler)
    var others = Ends()
    others.dialled = Handshake(accepting: Self.settings(Self.dialled, secret: 5))
    #expect(try others.run().dialler.session != a.session)
  }

  @Test func aSessionGoesOnWhereBothEndsHoldIt() throws {
    var ends = Ends()
    ends.dialler = Handshake(dialling: Self.settings(Self.dialler, secret: 3), expecting: nil, resume: .init(session: Self.old, received: 7))
    ends.held = .init(session: Self.old, received: 12)
    let (a, b) = try ends.run()
    #expect(a.isResumed && b.isResumed && a.session == Self.old && b.session == Self.old)
    #expect(a.peerReceived == 12 && b.peerReceived == 17)
  }

  @Test func aSessionThatOneEndLostBeginsAnew() throws {
    var ends = Ends()
    ends.dialler = Handshake(dialling: Self.settings(Self.dialler, secret: 3), expecting: nil, resume: .init(session: Self.old, received: 7))
    let (a, b) = try ends.run()
    #expect(!a.isResumed && !b.isResumed && a.session == b.session && a.session != Self.old)
  }

  /// The proof of one connection is worth nothing on another: a man in the middle has two channels with two bindings.
  @Test(arguments: [[UInt8](), [1, 2, 4]]) func aProofForAnotherChannelIsRefused(binding: [UInt8]) {
    var ends = Ends()
    ends.dialled = Handshake(accepting: Self.settings(Self.dialled, binding: binding, secret: 4))
    #expect(ends.failure() == .identity)
  }

  @Test func anotherPeerThanTheDialledOneIsRefused() {
    var ends = Ends()
    ends.dialled = Handshake(accepting: Self.settings(try! SigningKey(seed: [UInt8](repeating: 8, count: 32)), secret: 4))
    // It refuses itself: the hello was for another.
    #expect(ends.failure() == .wrongSession)
    ends = Ends()
    ends.dialler = Handshake(dialling: Self.settings(Self.dialler, secret: 3, peer: Self.dialler.publicKey), expecting: nil, resume: nil)
    #expect(ends.failure() == .identity, "the transport found another key than the one that signs")
  }

  @Test func aNodeThatReachesItselfRefuses() {
    var ends = Ends()
    ends.dialler = Handshake(dialling: Self.settings(Self.dialled, secret: 3), expecting: nil, resume: nil)
    #expect(ends.failure() == .identity)
  }

  @Test func otherNetworksAndVersionsAreRefused() {
    var ends = Ends()
    ends.dialler = Handshake(dialling: Self.settings(Self.dialler, secret: 3, network: [UInt8](repeating: 1, count: 32)), expecting: nil, resume: nil)
    ends.dialled = Handshake(accepting: Self.settings(Self.dialled, secret: 4, network: [UInt8](repeating: 2, count: 32)))
    #expect(ends.failure() == .identity)
    ends = Ends()
    ends.change = { number, frame in number == 0 ? try Self.changed(frame, WireHello.self) { ($0.minimumVersion, $0.maximumVersion) = (2, 9) } : frame }
    #expect(ends.failure() == .version)
  }

  /// Every field of every message, changed by the one who may sign it: an attacker that stands at one end.
  @Test func noFieldCanBeChangedAfterwards() {
    let changes: [(String, Int, (Frame) throws -> Frame)] = [
      ("hello's nonce", 0, { frame in try Self.changed(frame, WireHello.self) { $0.nonce[0] ^= 1 } }),
      ("hello's key", 0, { frame in try Self.changed(frame, WireHello.self) { $0.ephemeralKey[0] ^= 1 } }),
      ("hello's agent", 0, { frame in try Self.changed(frame, WireHello.self) { $0.agent = "other" } }),
      ("a key of small order", 0, { frame in try Self.changed(frame, WireHello.self) { $0.ephemeralKey = Data(count: 32) } }),
      ("reply's nonce", 1, { frame in try Self.changed(frame, WireHelloReply.self) { $0.nonce[0] ^= 1 } }),
      ("reply's key", 1, { frame in try Self.changed(frame, WireHelloReply.self) { $0.ephemeralKey[0] ^= 1 } }),
      ("dialler's signature", 2, { frame in try Self.changed(frame, WireAuthProof.self) { $0.signature[0] ^= 1 } }),
      ("dialler's confirmation", 2, { frame in try Self.changed(frame, WireAuthProof.self) { $0.confirmation[0] ^= 1 } }),
      ("dialler's transcript", 2, { frame in try Self.changed(frame, WireAuthProof.self) { $0.transcript[0] ^= 1 } }),
      ("dialler's binding", 2, { frame in try Self.changed(frame, WireAuthProof.self) { $0.binding = .inProcess } }),
      ("dialled signature", 3, { frame in try Self.changed(frame, WireAuthProof.self) { $0.signature[63] ^= 1 } }),
      ("dialled confirmation", 3, { frame in try Self.changed(frame, WireAuthProof.self) { $0.confirmation[31] ^= 1 } }),
      ("session", 4, { frame in try Self.changed(frame, WireAuthAccept.self) { $0.session[0] ^= 1 } }),
      ("resumed", 4, { frame in try Self.changed(frame, WireAuthAccept.self) { $0.resumed = true } }),
      ("dialler's session", 5, { frame in try Self.changed(frame, WireAuthAccept.self) { $0.session[0] ^= 1 } }),
      ("dialler's resumed", 5, { frame in try Self.changed(frame, WireAuthAccept.self) { $0.resumed = true } }),
      ("sender", 2, { frame in try Self.changed(frame, WireAuthProof.self, key: Self.dialled) { _ in } }),
      ("sequence", 2, { frame in try Self.changed(frame, WireAuthProof.self, sequence: 1) { _ in } }),
    ]
    for (name, place, change) in changes {
      var ends = Ends()
      ends.change = { number, frame in number == place ? try change(frame) : frame }
      #expect(ends.failure() != nil, "\(name)")
    }
  }

  /// A proof that was seen is worth nothing in the next handshake.
  @Test func aProofOfAnEarlierHandshakeIsRefused() throws {
    var seen: [Frame] = []
    var first = Ends()
    first.change = { _, frame in
      seen.append(frame)
      return frame
    }
    _ = try first.run()
    let proof = seen[2]
    var second = Ends()
    second.dialled = Handshake(accepting: Self.settings(Self.dialled, secret: 6))
    second.change = { number, frame in number == 2 ? proof : frame }
    #expect(second.failure() == .identity)
  }

  /// In no state is a message of another state taken.
  @Test func messagesOutOfTurnAreRefused() throws {
    var seen: [Frame] = []
    var ends = Ends()
    ends.change = { _, frame in
      seen.append(frame)
      return frame
    }
    _ = try ends.run()
    #expect(seen.map(\.type) == [.hello, .helloReply, .authProof, .authProof, .authAccept, .authAccept])
    let ping = try Frame.signed(WirePing(), by: Self.dialler, to: Self.dialled.publicKey, sequence: 99, unixMilliseconds: 1)
    for frame in [seen[2], seen[5], ping] {
      var end = Handshake(accepting: Self.settings(Self.dialled, secret: 4))
      #expect(throws: SessionError.self, "\(frame.type)") { _ = try end.receive(frame) }
      #expect(throws: SessionError.self, "nothing is taken after a failure") { _ = try end.receive(seen[0]) }
    }
    var greeted = Handshake(accepting: Self.settings(Self.dialled, secret: 4))
    _ = try greeted.receive(seen[0])
    _ = try greeted.greet(resume: nil, at: 1)
    #expect(throws: SessionError.self) { try greeted.receive(seen[0]) }
  }

  @Test func aFailureIsOneTypedMessage() throws {
    var end = Handshake(accepting: Self.settings(Self.dialled, secret: 4))
    let cases: [(SessionError.Code, MessageType)] = [(.identity, .authReject), (.banned, .authReject), (.limit, .authReject), (.malformed, .protocolError), (.duplicate, .goodbye)]
    for (code, type) in cases {
      let refusal = end.refusal(SessionError(code, "why"), at: 1)
      let frame = try #require(refusal)
      #expect(frame.type == type)
    }
    // What the peer refused is not answered.
    var dialler = Handshake(dialling: Self.settings(Self.dialler, secret: 3), expecting: nil, resume: nil)
    _ = try dialler.start(at: 1)
    let banned = end.refusal(SessionError(.banned, "why"), at: 1)
    let refusal = try #require(banned)
    let addressed = try Frame.signed(refusal.message(WireAuthReject.self), by: Self.dialled, to: Self.dialler.publicKey, sequence: 9, unixMilliseconds: 1)
    #expect(throws: SessionError(.banned, "the peer refused: why")) { try dialler.receive(addressed) }
    #expect(!dialler.mayRefuse)
  }
}
