internal import CentramPluginAPI
internal import CentramWire

/// What a handshake asks the node.
protocol HandshakeHost: Sendable {
  /// Dialled end: a peer begins. The session that it wants to go on with, if it may.
  func begin(_ peer: NodeKey, wanted: Handshake.Resumption?) async -> Handshake.Resumption?
  /// Whether a peer may stay.
  /// - Returns: dialled end: the highest number that came in the session that goes on; nil: it is a new one.
  func admit(_ peer: NodeKey, isDialler: Bool, resuming session: [UInt8]?) async throws(SessionError) -> UInt64?
  /// Dialler: takes the session.
  /// - Returns: the highest number that came in it.
  func take(_ agreement: Handshake.Agreement) async -> UInt64
}

/// Carries a handshake over a connection: one control stream, a time limit, and one message in case of failure.
struct HandshakeDriver: Sendable {
  struct Outcome: Sendable {
    let agreement: Handshake.Agreement
    let control: any TransportStream
    let reader: FrameReader
  }

  let services: SessionServices
  let connection: any TransportConnection
  let host: any HandshakeHost

  /// - Throws: why it failed; the connection is closed then.
  func run(_ start: Handshake) async throws(SessionError) -> Outcome {
    services.counters.add(.handshakesBegun)
    let expired = Signal()
    do {
      let outcome = try await services.clock.withDeadline(milliseconds: services.limits[.handshakeMilliseconds]) {
        expired.send()
        await connection.close(code: 1, reason: "the handshake took too long")
      } _: {
        try await exchange(start)
      }
      services.counters.add(.handshakesFinished)
      return outcome
    } catch {
      services.counters.add(.handshakesFailed)
      if expired.hasHappened {
        services.counters.add(.handshakesTimedOut)
        services.counters.reached(.handshakeMilliseconds)
        throw SessionError(.timedOut, "the handshake took longer than \(services.limits[.handshakeMilliseconds]) ms")
      }
      let error = Self.sessionError(error)
      await connection.close(code: 1, reason: error.message)
      throw error
    }
  }

  private func exchange(_ start: Handshake) async throws -> Outcome {
    var handshake = start
    let control = handshake.isDialler ? try await connection.openStream() : try await connection.acceptStream()
    let reader = FrameReader(control, bufferBytes: 4 << 10)
    do {
      let agreement = try await exchange(&handshake, control, reader)
      return Outcome(agreement: agreement, control: control, reader: reader)
    } catch {
      count(error)
      // What the peer said last needs no answer.
      if handshake.mayRefuse, let frame = handshake.refusal(Self.sessionError(error), at: services.unixMilliseconds) {
        try? await control.send(frame.bytes)
        try? await control.finish()
        // Give the sentence a moment to arrive: closing would drop what is on its way.
        let connection = connection
        _ = try? await services.clock.withDeadline(milliseconds: 500) {
          await connection.close(code: 1, reason: "")
        } _: {
          while try await reader.next() != nil {}
        }
      }
      throw error
    }
  }

  private func exchange(_ handshake: inout Handshake, _ control: any TransportStream, _ reader: FrameReader) async throws -> Handshake.Agreement {
    if handshake.isDialler { try await control.send(handshake.start(at: services.unixMilliseconds).bytes) }
    var resuming: [UInt8]?
    while true {
      guard let frame = try await reader.next() else { throw SessionError(.disconnected, "the peer closed the connection during the handshake") }
      switch try handshake.receive(frame) {
      case .wait: break
      case .greet(let peer, let wanted):
        let resumption = await host.begin(peer, wanted: wanted)
        resuming = resumption?.session
        try await control.send(handshake.greet(resume: resumption, at: services.unixMilliseconds).bytes)
      case .decide(let peer):
        let received = try await host.admit(peer, isDialler: handshake.isDialler, resuming: resuming)
        let frames = try handshake.proceed(received: received, at: services.unixMilliseconds)
        try await control.send(frames.flatMap(\.bytes))
      case .accepted(let agreement):
        let received = await host.take(agreement)
        try await control.send(handshake.accept(received: received, at: services.unixMilliseconds).bytes)
        return agreement
      case .finished(let agreement): return agreement
      }
    }
  }

  private func count(_ error: any Error) {
    if let error = error as? WireError { services.counters.add(error.code == .badSignature ? .badSignatures : .malformedFrames) }
    if let error = error as? SessionError, error.code == .replay { services.counters.add(.replays) }
  }

  static func sessionError(_ error: any Error) -> SessionError {
    switch error {
    case let error as SessionError: error
    case let error as WireError: SessionError(error.code == .badSignature ? .identity : .malformed, error.message)
    case let error as PluginError: SessionError(error.code == .closed ? .disconnected : .transport, error.message)
    default: SessionError(.closed, "the handshake was given up")
    }
  }
}
