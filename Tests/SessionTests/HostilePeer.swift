import CentramPluginAPI
import CentramPluginTesting
import CentramWire
import NodeWorld

@testable import CentramNode

/// A peer that knows the protocol and keeps to none of it.
final class HostilePeer: @unchecked Sendable {
  let world: World, key: SigningKey, victim: NodeKey
  let connection: any TransportConnection, control: any TransportStream, reader: FrameReader
  private(set) var session = FrameHeader.noSession
  private(set) var sequence: UInt64 = 0

  /// A connection without a handshake.
  init(_ world: World, _ number: Int, to victim: Int = 1) async throws {
    (self.world, key, self.victim) = (world, world.key(number), world.key(victim).publicKey)
    connection = try await world.transport(number).dial(world.address(victim), expecting: nil)
    control = try await connection.openStream()
    reader = FrameReader(control)
  }

  static func handshakeSettings(_ world: World, _ key: SigningKey, binding: [UInt8], peer: NodeKey?) -> Handshake.Settings {
    func random() -> [UInt8] { (0..<4).flatMap { _ in withUnsafeBytes(of: world.simulation.random.next()) { Array($0) } } }
    return Handshake.Settings(key: key, transportPeer: peer, binding: binding, isEncrypted: false, ephemeralSecret: random(), nonce: random())
  }

  /// A connection with a session.
  static func connected(_ world: World, _ number: Int, to victim: Int = 1) async throws -> HostilePeer {
    let peer = try await HostilePeer(world, number, to: victim)
    try await peer.shakeHands()
    return peer
  }

  func shakeHands() async throws {
    var handshake = Handshake(dialling: Self.handshakeSettings(world, key, binding: connection.channelBinding, peer: victim), expecting: victim, resume: nil)
    try await send(handshake.start(at: now).bytes)
    while true {
      guard let frame = try await reader.next() else { throw SessionError(.disconnected, "closed") }
      switch try handshake.receive(frame) {
      case .decide: try await send(handshake.proceed(received: nil, at: now).flatMap(\.bytes))
      case .accepted(let agreement):
        session = agreement.session
        try await send(handshake.accept(received: 0, at: now).bytes)
        return
      default: break
      }
    }
  }

  var now: UInt64 { UInt64(world.simulation.clock.unixMilliseconds) }

  func send(_ bytes: [UInt8]) async throws { try await control.send(bytes) }

  /// A frame of the session with the next number, unless told otherwise.
  func frame(
    _ message: some WireMessage, to recipient: NodeKey? = nil, session: [UInt8]? = nil, sequence: UInt64? = nil, time: UInt64? = nil, replyExpected: Bool = false
  ) throws -> Frame {
    if sequence == nil { self.sequence += 1 }
    return try Frame.signed(
      message, by: key, to: recipient ?? victim, session: session ?? self.session, sequence: sequence ?? self.sequence, unixMilliseconds: time ?? now,
      replyExpected: replyExpected)
  }

  func send(_ message: some WireMessage, replyExpected: Bool = false) async throws { try await send(frame(message, replyExpected: replyExpected).bytes) }

  /// The number of a frame that a test makes by itself.
  func nextSequence() -> UInt64 {
    sequence += 1
    return sequence
  }

  /// A frame of a type that nobody knows, in a family.
  func unknown(family: Int) throws -> [UInt8] {
    var bytes = try frame(WirePing()).bytes
    (bytes[6], bytes[7]) = (UInt8(family), 0xee)
    return bytes
  }

  /// The next refusal; nil: the connection ended.
  func nextError() async -> WireProtocolError? {
    while let frame = try? await reader.next() {
      if frame.type == .protocolError { return try? frame.message() }
    }
    return nil
  }

  /// Whether the victim has closed the connection, which is waited for.
  func isClosed() async -> Bool {
    while let next = try? await reader.next() { _ = next }
    return true
  }

  static func find(_ byte: UInt8 = 1) -> WireFindNode {
    var find = WireFindNode()
    (find.target, find.maximum) = (.init(repeating: byte, count: 32), 1)
    return find
  }
}

extension World {
  /// A victim (1), an honest peer of it (2), and an attack. In the end the honest peer is still served.
  @discardableResult
  static func attack(
    limits: [Limit: Int] = [:], delay: ClosedRange<UInt64> = 1_000_000...5_000_000, prepare: @escaping @Sendable (NetworkNode) -> Void = { _ in },
    _ body: @escaping @Sendable (World, NetworkNode) async throws -> Void
  ) throws -> Counters {
    try run(delay: delay) { world in
      let victim = world.node(1, limits: Limits(limits)), honest = world.node(2, dialling: [1])
      victim.handlers.on(WireFindNode.self) { find, _ in
        var reply = WireFindNodeReply()
        reply.token = find.target
        return reply
      }
      prepare(victim)
      await world.start(victim, 1)
      await world.start(honest, 2)
      await honest.waitForPeers(1)
      await victim.waitForPeers(1)
      let session = try await honest.connectedSession(world.key(1).publicKey)
      try await body(world, victim)
      let reply = try await session.request(HostilePeer.find(), for: WireFindNodeReply.self)
      guard reply.token == HostilePeer.find().target, honest.counters[.connectionsLost] == 0 else { throw SessionError(.refused, "the honest peer was not served") }
      return victim.counters
    }
  }
}

extension NetworkNode {
  func connectedSession(_ peer: NodeKey) throws -> PeerSession {
    guard let session = session(with: peer) else { throw SessionError(.disconnected, "the peer is not connected") }
    return session
  }
}
