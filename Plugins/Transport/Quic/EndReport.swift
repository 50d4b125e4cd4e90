import CQuic
import CentramPluginAPI

/// Why a connection ended, in words.
struct EndReport {
  let error: PluginError

  /// QUIC's codes, RFC 9000 section 20.1; from 0x100 on TLS alerts.
  private static let refused: UInt64 = 0x2, noApplicationProtocol: UInt64 = 0x178

  init(_ end: cquic_end, _ connection: Connection) {
    let reason = withUnsafeBytes(of: end.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let detail = reason.isEmpty ? "" : ": \(reason)"
    let place = connection.dialled.isEmpty ? "the peer" : connection.dialled
    let settings = connection.endpoint.settings
    let wasConnected = connection.peer != nil
    switch end.kind {
    case CQUIC_END_LOCAL: error = PluginError(.closed, "the connection was closed here with code \(end.code)\(detail)")
    case CQUIC_END_REMOTE where end.application: error = PluginError(.closed, "the peer closed the connection with code \(end.code)\(detail)")
    case CQUIC_END_REMOTE where end.code == Self.refused: error = PluginError(.unavailable, "\(place) takes no more connections now")
    case CQUIC_END_REMOTE where !wasConnected && end.code == Self.noApplicationProtocol:
      error = PluginError(.unsupported, "\(place) does not speak \(Endpoint.alpn)")
    case CQUIC_END_REMOTE where !wasConnected: error = PluginError(.unavailable, "\(place) refused the handshake with QUIC code \(end.code)\(detail)")
    case CQUIC_END_REMOTE: error = PluginError(.closed, "the peer ended the connection with QUIC code \(end.code)\(detail)")
    case CQUIC_END_HANDSHAKE where !wasConnected, CQUIC_END_IDLE where !wasConnected:
      error = PluginError(.unavailable, "nobody answered at \(place) within \(settings.handshakeTimeoutMilliseconds) ms")
    case CQUIC_END_IDLE: error = PluginError(.closed, "nothing was heard of the peer for the idle time-out, at most \(settings.idleTimeoutMilliseconds) ms")
    case CQUIC_END_RESET: error = PluginError(.closed, "the peer does not know the connection any more")
    case CQUIC_END_WRONG_PEER:
      let expected = connection.expected.map { hex($0.bytes) } ?? "another"
      error = PluginError(.invalid, "another peer answered at \(place), not \(expected)")
    case CQUIC_END_NO_KEY: error = PluginError(.invalid, "\(place) has not exactly one certificate with an Ed25519 key")
    case CQUIC_END_VERSION: error = PluginError(.unsupported, "\(place) does not speak QUIC version 1")
    default: error = PluginError(wasConnected ? .closed : .unavailable, "the connection to \(place) broke with QUIC code \(end.code)\(detail)")
    }
  }
}

func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
