internal import CentramPluginAPI
internal import CentramWire

extension PeerSession {
  /// Moves this end to another key. What was sent before stays signed by the old one.
  /// - Parameters:
  ///   - number: counts this node's rotations from 1.
  ///   - grace: milliseconds for which peers still take the old key.
  func rotate(to new: SigningKey, number: UInt32, grace: UInt32, isCompromised: Bool) throws(SessionError) {
    let message = try KeyRotation.message(from: key, to: new, number: number, effective: services.unixMilliseconds, grace: grace, isCompromised: isCompromised)
    // Reliable: it must reach the peer before the first frame that the new key signed, also over a lost connection.
    try post(message, reliably: true)
    formerKeys = [key.publicKey]
    key = new
  }

  /// The peer's keys that frames of this session may be signed by: the one now, and the one before.
  var peerKeys: [NodeKey] { [peer] + formerPeers }
  var ownKeys: [NodeKey] { [key.publicKey] + formerKeys }

  func takeRotation(_ message: WireKeyRotation, _ frame: Frame) {
    do throws(SessionError) {
      guard frame.header.sender == peer else { throw SessionError(.identity, "a key that went cannot rotate again") }
      let link = try KeyRotation.check(message, sender: peer)
      guard let new = NodeKey(link.new) else { return }
      formerPeers = [peer]
      peer = new
      services.counters.add(.keyRotations)
      services.rotated(link)
    } catch {
      punish(25)
      refuse(frame, .badSignature, error.message)
    }
  }
}
