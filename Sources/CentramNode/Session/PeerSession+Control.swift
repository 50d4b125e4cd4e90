internal import CentramPluginAPI
internal import CentramWire
internal import Foundation

/// The messages of the session family.
extension PeerSession {
  func takeSessionMessage(_ frame: Frame, _ type: MessageType, _ link: Link) async {
    do throws(WireError) {
      switch type {
      case .capabilities: try takeCapabilities(frame.message(WireCapabilities.self))
      case .capabilitiesUpdate: takeUpdate(try frame.message(WireCapabilitiesUpdate.self))
      case .ping: try takePing(frame.message(WirePing.self), frame)
      case .pong: takePong(try frame.message(WirePong.self))
      case .keyRotation: takeRotation(try frame.message(WireKeyRotation.self), frame)
      case .protocolError: takeError(try frame.message(WireProtocolError.self), link)
      case .goodbye: await takeGoodbye(try frame.message(WireGoodbye.self), link)
      default: refuse(frame, .unexpected, "\(type) belongs to the handshake, which is over")
      }
    } catch {
      punish(10)
      refuse(frame, .malformedMessage, error.message)
    }
  }

  // MARK: Errors and goodbye

  private func takeError(_ message: WireProtocolError, _ link: Link) {
    let error = SessionError(message.code == .rateLimited || message.code == .busy ? .limit : .refused, "the peer refused: \(message.message)")
    if !settle(message.refusedSequence, .failure(error)) {
      services.log(.debug, "the peer refused type \(message.refusedType): \(message.message)")
    }
    if message.closing { link.fail(error) }
  }

  private func takeGoodbye(_ message: WireGoodbye, _ link: Link) async {
    services.counters.add(.goodbyes)
    outbox.acknowledge(upTo: min(message.received, nextSequence - 1))
    let error = SessionError(.closed, message.message.isEmpty ? "the peer said goodbye" : "the peer said goodbye: \(message.message)")
    link.fail(error)
    if !message.resumable { await end(error) } else { await link.close(error) }
  }

  /// Says goodbye, lets what waits go out for at most a second, and ends the session.
  func sayGoodbye(_ reason: WireGoodbyeReason, _ sentence: String) async {
    guard let link, state == .connected else { return await end(SessionError(.closed, sentence)) }
    var message = WireGoodbye()
    (message.reason, message.message, message.received) = (reason, sentence, check.contiguous)
    _ = try? post(message)
    link.fail(SessionError(.closed, sentence))
    await drainAndClose(link)
    await end(SessionError(.closed, sentence))
  }
}
