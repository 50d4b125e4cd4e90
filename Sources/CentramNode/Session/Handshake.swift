internal import CentramWire
internal import Foundation

/// The handshake of a connection as a value without I/O: frames go in, steps come out. The driver sends what a step holds, asks the node where a
/// step asks, and closes the connection when one throws.
///
///     dialler                                dialled end
///     Hello              ->
///                        <-                  HelloReply
///     AuthProof          ->
///                        <-                  AuthProof, AuthAccept
///     AuthAccept         ->
///
/// Each AuthProof covers the transcript (both hellos as sent), both keys, the role and the transport's channel binding, so it proves nothing on
/// another connection. The session's id and keys come from the transcript and X25519.
struct Handshake: Sendable {
  static let version: UInt32 = 1

  /// What the ends bring.
  struct Settings: Sendable {
    var key: SigningKey
    /// Whom the transport found at the other end; nil where it does not know.
    var transportPeer: NodeKey?
    /// The transport's channel binding; empty where it has none.
    var binding: [UInt8] = []
    var isEncrypted = true
    /// 32 bytes each, made for this connection alone.
    var ephemeralSecret: [UInt8], nonce: [UInt8]
    var agent = ""
    /// SHA-256 of the network's genesis, or empty.
    var network: [UInt8] = []
    var idleMilliseconds: UInt32 = 45_000, resumeMilliseconds: UInt32 = 120_000
  }

  /// A session to go on with: its id, and the highest number of the peer's control stream that came.
  struct Resumption: Sendable, Equatable {
    var session: [UInt8]
    var received: UInt64
  }

  /// What the driver does next.
  enum Step: Sendable {
    /// Dialled end: look whether the session may go on, then call `greet`.
    case greet(peer: NodeKey, wanted: Resumption?)
    /// The peer is who it says it is as far as this end can know by now: refuse it, or call `proceed`.
    case decide(peer: NodeKey)
    /// Nothing to send; wait for the next frame.
    case wait
    /// Dialler: the peer is proved and took the session. Take it too, then call `accept`.
    case accepted(Agreement)
    /// Dialled end: done.
    case finished(Agreement)
  }

  /// What both ends hold in the end.
  struct Agreement: Sendable, Equatable {
    var peer: NodeKey
    /// 16 bytes.
    var session: [UInt8]
    var isResumed: Bool
    /// The highest number of this end's control stream that the peer has.
    var peerReceived: UInt64
    var keys: SessionKeys
    var isDialler: Bool
    var agent: String
    /// After how many milliseconds of silence the peer gives the connection up, and how long it keeps a cut session.
    var peerIdleMilliseconds: UInt32, peerResumeMilliseconds: UInt32
  }

  enum State: Sendable, Equatable { case new, awaitingHello, greeting, awaitingReply, deciding, awaitingProof, awaitingAccept, accepting, done, failed }

  let settings: Settings
  let isDialler: Bool
  /// Whom the dialler expects.
  let expected: NodeKey?
  private(set) var state: State
  /// Whether the peer is told why it failed; not where it is the peer that refused.
  private(set) var mayRefuse = true
  private var wanted: Resumption?
  private var sequence: UInt64 = 0
  private var hello: [UInt8] = [], reply: [UInt8] = []
  private var peer: NodeKey?
  private var peerSequence: UInt64 = 0
  private var peerEphemeral: [UInt8] = []
  private var peerAgent = ""
  private var keys: SessionKeys?

  init(dialling settings: Settings, expecting expected: NodeKey?, resume: Resumption?) {
    (self.settings, isDialler, self.expected, wanted, state) = (settings, true, expected, resume, .new)
  }

  init(accepting settings: Settings) { (self.settings, isDialler, expected, state) = (settings, false, nil, .awaitingHello) }

  // MARK: What the driver asks for

  /// The dialler's first frame.
  mutating func start(at milliseconds: UInt64) throws(SessionError) -> Frame {
    precondition(state == .new, "a handshake starts once, at the dialler's end")
    var message = WireHello()
    (message.minimumVersion, message.maximumVersion) = (Self.version, Self.version)
    message.ephemeralKey = Data(SessionKeys.publicKey(of: settings.ephemeralSecret))
    message.nonce = Data(settings.nonce)
    message.features = ["resume"]
    if let wanted {
      message.resume.session = Data(wanted.session)
      message.resume.received = wanted.received
    }
    message.agent = String(settings.agent.prefix(64))
    message.network = Data(settings.network)
    let frame = try frame(message, to: expected ?? .anyone, at: milliseconds)
    hello = frame.bytes
    state = .awaitingReply
    return frame
  }

  /// The dialled end's answer to Hello.
  /// - Parameter resume: the session that goes on if the proofs hold; nil: a new one.
  mutating func greet(resume: Resumption?, at milliseconds: UInt64) throws(SessionError) -> Frame {
    precondition(state == .greeting, "the answer to a Hello comes once, after it")
    wanted = resume
    var message = WireHelloReply()
    (message.minimumVersion, message.maximumVersion, message.chosenVersion) = (Self.version, Self.version, Self.version)
    message.ephemeralKey = Data(SessionKeys.publicKey(of: settings.ephemeralSecret))
    message.nonce = Data(settings.nonce)
    message.features = ["resume"]
    if let resume {
      message.resume.session = Data(resume.session)
      message.resume.received = resume.received
    }
    message.agent = String(settings.agent.prefix(64))
    message.network = Data(settings.network)
    let frame = try frame(message, to: knownPeer, at: milliseconds)
    reply = frame.bytes
    keys = try makeKeys()
    state = .awaitingProof
    return frame
  }

  /// The peer may stay. The dialler proves itself; the dialled end proves itself and takes the session.
  /// - Parameter received: dialled end: the highest number of the peer's control stream that came in a session that goes on; nil: a new one.
  mutating func proceed(received: UInt64?, at milliseconds: UInt64) throws(SessionError) -> [Frame] {
    precondition(state == .deciding, "a decision comes when it was asked for")
    let proof = try frame(try proof(), to: knownPeer, at: milliseconds)
    guard !isDialler else {
      state = .awaitingProof
      return [proof]
    }
    if received == nil { wanted = nil }
    state = .awaitingAccept
    return [proof, try frame(acceptance(received: received ?? 0), to: knownPeer, at: milliseconds)]
  }

  /// The dialler takes the session.
  mutating func accept(received: UInt64, at milliseconds: UInt64) throws(SessionError) -> Frame {
    precondition(state == .accepting, "a session is taken once")
    state = .done
    return try frame(acceptance(received: received), to: knownPeer, at: milliseconds)
  }

  /// The one message that a peer gets when the handshake fails.
  mutating func refusal(_ error: SessionError, at milliseconds: UInt64) -> Frame? {
    state = .failed
    return try? frame(HandshakeRefusal.message(error), to: peer ?? settings.transportPeer ?? .anyone, at: milliseconds)
  }

  // MARK: What comes in

  /// Takes the next frame of the peer.
  /// - Throws: why the handshake failed; it takes nothing more then.
  mutating func receive(_ frame: Frame) throws(SessionError) -> Step {
    do throws(SessionError) {
      return try take(frame)
    } catch {
      state = .failed
      throw error
    }
  }

  private mutating func take(_ frame: Frame) throws(SessionError) -> Step {
    try checkHeader(frame)
    switch MessageType(rawValue: frame.header.type) {
    case .hello where state == .awaitingHello: return try take(frame, try Self.message(frame, WireHello.self))
    case .helloReply where state == .awaitingReply: return try take(frame, try Self.message(frame, WireHelloReply.self))
    case .authProof where state == .awaitingProof:
      try check(try Self.message(frame, WireAuthProof.self))
      // The dialler knows the peer since its hello; now it only waits for the acceptance that comes with the proof.
      state = isDialler ? .awaitingAccept : .deciding
      return isDialler ? .wait : .decide(peer: knownPeer)
    case .authAccept where state == .awaitingAccept: return try take(try Self.message(frame, WireAuthAccept.self))
    case .authReject, .protocolError, .goodbye:
      mayRefuse = false
      throw try Self.refusal(frame)
    case let type: throw SessionError(.unexpected, "\(type.map { "\($0)" } ?? "type \(frame.header.type)") has no place in a handshake that is \(state)")
    }
  }

  /// The rules that hold for every frame of a handshake.
  private mutating func checkHeader(_ frame: Frame) throws(SessionError) {
    let header = frame.header
    let own = settings.key.publicKey
    guard header.hasNoSession else { throw SessionError(.wrongSession, "a frame of a handshake names a session") }
    guard header.sender != own else { throw SessionError(.identity, "the node is connected to itself") }
    let isFirst = peer == nil
    guard header.recipient == own || (header.recipient == .anyone && isFirst && !isDialler) else {
      throw SessionError(.wrongSession, "a frame of a handshake is for another node")
    }
    if let peer, header.sender != peer { throw SessionError(.identity, "frames of one handshake have two senders") }
    if let known = settings.transportPeer, header.sender != known {
      throw SessionError(.identity, "the frame's sender is not the key that the transport found at the other end")
    }
    if let expected, header.sender != expected { throw SessionError(.identity, "the peer is not the one that was dialled") }
    guard header.sequence > peerSequence else { throw SessionError(.replay, "sequence \(header.sequence) came after \(peerSequence)") }
    peerSequence = header.sequence
    peer = header.sender
  }

  private mutating func take(_ frame: Frame, _ message: WireHello) throws(SessionError) -> Step {
    hello = frame.bytes
    try checkVersions(message.minimumVersion, message.maximumVersion)
    try takeHello(message.ephemeralKey, message.nonce, message.network, message.agent)
    state = .greeting
    var resumption: Resumption?
    if message.hasResume {
      guard message.resume.session.count == 16 else { throw SessionError(.malformed, "a session id has \(message.resume.session.count) bytes, not 16") }
      resumption = Resumption(session: [UInt8](message.resume.session), received: message.resume.received)
    }
    return .greet(peer: knownPeer, wanted: resumption)
  }

  private mutating func take(_ frame: Frame, _ message: WireHelloReply) throws(SessionError) -> Step {
    reply = frame.bytes
    try checkVersions(message.minimumVersion, message.maximumVersion)
    guard message.chosenVersion == Self.version else { throw SessionError(.version, "the peer chose version \(message.chosenVersion), which was not offered") }
    try takeHello(message.ephemeralKey, message.nonce, message.network, message.agent)
    keys = try makeKeys()
    state = .deciding
    return .decide(peer: knownPeer)
  }

  private mutating func takeHello(_ ephemeral: Data, _ nonce: Data, _ network: Data, _ agent: String) throws(SessionError) {
    guard ephemeral.count == 32, nonce.count == 32 else { throw SessionError(.malformed, "an ephemeral key and a nonce have 32 bytes each") }
    guard network.isEmpty || settings.network.isEmpty || [UInt8](network) == settings.network else {
      throw SessionError(.identity, "the peer serves another network")
    }
    peerEphemeral = [UInt8](ephemeral)
    peerAgent = agent
  }

  private mutating func take(_ message: WireAuthAccept) throws(SessionError) -> Step {
    let keys = agreedKeys
    let session = [UInt8](message.session)
    // Whether a session goes on is for the dialled end to say, and only of the one that was asked for.
    let resumes = message.resumed
    if resumes { guard let wanted, wanted.session == session else { throw SessionError(.wrongSession, "the peer resumes a session that was not asked for") } }
    guard resumes || SessionKeys.areEqual(session, keys.session) else { throw SessionError(.wrongSession, "the peer's session is not the one of this handshake") }
    if !isDialler { guard resumes == (wanted != nil) else { throw SessionError(.wrongSession, "the ends do not agree whether the session goes on") } }
    state = isDialler ? .accepting : .done
    let agreement = Agreement(
      peer: knownPeer, session: session, isResumed: resumes, peerReceived: message.received, keys: keys, isDialler: isDialler, agent: peerAgent,
      peerIdleMilliseconds: message.idleTimeoutMs, peerResumeMilliseconds: message.resumeWindowMs)
    if isDialler {
      if !resumes { wanted = nil }
      return .accepted(agreement)
    }
    return .finished(agreement)
  }
}

// MARK: Proofs

extension Handshake {
  private var knownPeer: NodeKey { peer ?? .anyone }
  private var agreedKeys: SessionKeys {
    guard let keys else { preconditionFailure("keys exist after both hellos") }
    return keys
  }
  private var transcript: [UInt8] { SessionKeys.sha256(hello, reply) }
  private var bindingKind: WireChannelBinding { settings.binding.isEmpty ? .unspecified : settings.isEncrypted ? .tlsExporter : .inProcess }

  private func makeKeys() throws(SessionError) -> SessionKeys {
    try SessionKeys(secret: settings.ephemeralSecret, peer: peerEphemeral, transcript: transcript)
  }

  /// What the proof of one end signs, after the domain.
  private func signedContent(byDialler: Bool) -> [UInt8] {
    let own = settings.key.publicKey.bytes, other = knownPeer.bytes
    return [byDialler ? 0 : 1] + transcript + (isDialler ? own + other : other + own) + settings.binding
  }

  private func proof() throws(SessionError) -> WireAuthProof {
    var message = WireAuthProof()
    message.transcript = Data(transcript)
    message.binding = bindingKind
    message.signature = Data(settings.key.sign(signedContent(byDialler: isDialler), domain: .auth))
    message.confirmation = Data(agreedKeys.confirmation(isDialler: isDialler))
    return message
  }

  private func check(_ message: WireAuthProof) throws(SessionError) {
    guard message.binding == bindingKind else { throw SessionError(.identity, "the peer binds its proof to another kind of channel") }
    guard SessionKeys.areEqual([UInt8](message.transcript), transcript) else { throw SessionError(.identity, "the ends saw different hellos") }
    guard SessionKeys.areEqual([UInt8](message.confirmation), agreedKeys.confirmation(isDialler: !isDialler)) else {
      throw SessionError(.identity, "the peer does not hold its ephemeral key")
    }
    guard Signature.holds(message.signature, of: signedContent(byDialler: !isDialler), domain: .auth, by: knownPeer) else {
      throw SessionError(.identity, "the peer's proof does not hold for this connection")
    }
  }

  private func acceptance(received: UInt64) -> WireAuthAccept {
    var message = WireAuthAccept()
    message.session = Data(wanted?.session ?? agreedKeys.session)
    message.resumed = wanted != nil
    message.received = received
    (message.idleTimeoutMs, message.resumeWindowMs) = (settings.idleMilliseconds, settings.resumeMilliseconds)
    return message
  }

  private func checkVersions(_ minimum: UInt32, _ maximum: UInt32) throws(SessionError) {
    guard minimum <= Self.version, maximum >= Self.version else {
      throw SessionError(.version, "the peer speaks versions \(minimum) to \(maximum); this node speaks \(Self.version)")
    }
  }

  private mutating func frame(_ message: some WireMessage, to recipient: NodeKey, at milliseconds: UInt64) throws(SessionError) -> Frame {
    sequence += 1
    do throws(WireError) {
      return try Frame.signed(
        message, by: settings.key, to: recipient, sequence: sequence, unixMilliseconds: milliseconds, inReplyTo: peerSequence,
        replyExpected: false)
    } catch { throw SessionError(.malformed, error.message) }
  }

  private static func refusal(_ frame: Frame) throws(SessionError) -> SessionError {
    switch MessageType(rawValue: frame.header.type) {
    case .authReject: HandshakeRefusal.error(try message(frame, WireAuthReject.self))
    case .goodbye: HandshakeRefusal.error(try message(frame, WireGoodbye.self))
    default: HandshakeRefusal.error(try message(frame, WireProtocolError.self))
    }
  }

  private static func message<Message: WireMessage>(_ frame: Frame, _ type: Message.Type) throws(SessionError) -> Message {
    do throws(WireError) { return try frame.message(type) } catch { throw SessionError(.malformed, error.message) }
  }
}
