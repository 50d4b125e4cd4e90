internal import CentramWire

/// How a failed handshake is told to the peer, and read.
enum HandshakeRefusal {
  /// The message that says why.
  static func message(_ error: SessionError) -> any WireMessage {
    switch error.code {
    case .duplicate:
      var message = WireGoodbye()
      (message.reason, message.message) = (.duplicate, error.message)
      return message
    case .identity, .banned, .limit, .version:
      var message = WireAuthReject()
      message.reason = reason(error.code)
      message.message = error.message
      if error.code == .limit { message.retryAfterMs = 5_000 }
      return message
    default:
      var message = WireProtocolError()
      message.code = code(error.code)
      (message.message, message.closing) = (error.message, true)
      return message
    }
  }

  private static func reason(_ code: SessionError.Code) -> WireAuthFailure {
    switch code {
    case .banned: .banned
    case .limit: .busy
    case .version: .noVersion
    default: .badProof
    }
  }

  static func code(_ code: SessionError.Code) -> WireErrorCode {
    switch code {
    case .version: .unsupportedVersion
    case .malformed: .malformedMessage
    case .replay: .badSequence
    case .wrongSession: .wrongSession
    case .identity: .wrongPeer
    case .limit: .rateLimited
    case .timedOut: .timedOut
    case .unexpected: .unexpected
    default: .internal
    }
  }

  static func error(_ message: WireAuthReject) -> SessionError {
    let code: SessionError.Code =
      switch message.reason {
      case .banned: .banned
      case .busy: .limit
      case .noVersion: .version
      default: .refused
      }
    return SessionError(code, "the peer refused: \(message.message)")
  }

  static func error(_ message: WireProtocolError) -> SessionError { SessionError(.refused, "the peer refused: \(message.message)") }

  static func error(_ message: WireGoodbye) -> SessionError {
    SessionError(message.reason == .duplicate ? .duplicate : .refused, "the peer said goodbye: \(message.message)")
  }
}
