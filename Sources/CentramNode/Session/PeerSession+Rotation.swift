internal import CentramPluginAPI
internal import CentramWire

extension PeerSession {
  /// Moves this end to another key. What was sent before stays signed by the old one.
  /// - Parameters:
  ///   - old: the key that the rotation leads from. A session that has another one is left alone: its peer is told when they meet again.
  ///   - message: the rotation.
  func rotate(from old: NodeKey, to new: SigningKey, _ message: WireKeyRotation) throws(SessionError) {
    guard key.publicKey == old else { return }
    // Reliable: it must reach the peer before the first frame that the new key signed, also over a lost connection.
    try post(message, reliably: true)
    formerKeys = [key.publicKey]
    key = new
  }

  /// Tells the peer which keys this end had before the session's, for it may know this end by one of them.
  /// - Parameter history: the last change first.
  func tell(_ history: [KeyLinks.Link]) {
    for link in history {
      guard let message = try? WireKeyRotation(serializedBytes: link.message) else { continue }
      _ = try? post(message, reliably: true)
    }
  }

  /// The peer's keys that frames of this session may be signed by: the one now, and the one before.
  var peerKeys: [NodeKey] { [peer] + formerPeers }
  var ownKeys: [NodeKey] { [key.publicKey] + formerKeys }

  func takeRotation(_ message: WireKeyRotation, _ frame: Frame) {
    do throws(SessionError) {
      let link = try KeyRotation.check(message)
      guard let old = NodeKey(link.old), let new = NodeKey(link.new) else { return }
      if old == peer {
        guard frame.header.sender == peer else { throw SessionError(.identity, "a key that went cannot rotate again") }
        formerPeers = [peer]
        peer = new
        services.counters.add(.keyRotations)
      } else {
        let known = peerKeys + earlierPeers
        // What a session before this one did not get rid of comes a second time.
        if known.contains(old), known.contains(new) { return }
        guard known.contains(new), !known.contains(old), earlierPeers.count < KeyLinks.historyLength else {
          throw SessionError(.identity, "a rotation is of another key than the sender's")
        }
        // From before this session.
        earlierPeers.append(old)
      }
      services.rotated(link)
    } catch {
      punish(25)
      refuse(frame, .badSignature, error.message)
    }
  }
}
