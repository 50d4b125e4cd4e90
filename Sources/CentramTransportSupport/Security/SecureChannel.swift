public import CentramPluginAPI
internal import CSecureChannel

/// TLS 1.3 between two byte queues, Ed25519 certificates on both sides. Not for several threads at once.
public final class SecureChannel {
  /// Nil until the handshake is over.
  public private(set) var peer: PeerID?
  /// The exporter's value for `EXPORTER-centram/1`, 32 bytes; empty until the handshake is over.
  public private(set) var binding: [UInt8] = []
  private let channel: OpaquePointer

  /// - Parameter expected: the peer's key; nil: any.
  /// - Throws: `.security` where OpenSSL cannot be set up.
  public init(isListener: Bool, identity: NodeIdentity, expecting expected: PeerID? = nil) throws(TransportSupportError) {
    guard let channel = centram_channel_new(isListener ? 1 : 0, identity.seed, identity.certificate, identity.certificate.count, expected?.bytes) else {
      throw TransportSupportError(.security, "OpenSSL could not be set up")
    }
    self.channel = channel
  }

  deinit { centram_channel_free(channel) }

  /// Begins, or goes on with what `bytes` bring. Afterwards there may be something to take.
  /// - Returns: whether the channel is established.
  /// - Throws: `.security`, `.wrongPeer`.
  @discardableResult public func handshake(_ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) throws(TransportSupportError) -> Bool {
    try feed(bytes)
    switch centram_channel_handshake(channel) {
    case 0: return false
    case 1: break
    default:
      if centram_channel_wrong_peer(channel) != 0 { throw TransportSupportError(.wrongPeer, "another peer answered than the one that was dialled") }
      throw TransportSupportError(.security, "the secure channel's handshake failed")
    }
    if peer == nil {
      var key = [UInt8](repeating: 0, count: 32), value = [UInt8](repeating: 0, count: 32)
      guard centram_channel_peer_key(channel, &key) == 1, centram_channel_export(channel, "EXPORTER-centram/1", &value, 32) == 0 else {
        throw TransportSupportError(.security, "the peer showed no key")
      }
      (peer, binding) = (PeerID(key), value)
    }
    return true
  }

  public func feed(_ bytes: UnsafeRawBufferPointer) throws(TransportSupportError) {
    guard centram_channel_feed(channel, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) == 0 else {
      throw TransportSupportError(.security, "out of memory for \(bytes.count) bytes")
    }
  }

  /// - Returns: how many plain bytes were written to `buffer`; 0: none now; nil: the peer ended the channel.
  /// - Throws: `.security` where a record was changed on its way.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportSupportError) -> Int? {
    let count = centram_channel_read(channel, buffer.bindMemory(to: UInt8.self).baseAddress, buffer.count)
    guard count != -1 else { throw TransportSupportError(.security, "the secure channel's bytes were damaged on their way") }
    return count < 0 ? nil : count
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(TransportSupportError) {
    guard centram_channel_write(channel, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count) == 0 else {
      throw TransportSupportError(.security, "\(bytes.count) bytes could not be encrypted")
    }
  }

  /// What is to be sent to the peer now.
  public func takeOutput() -> [UInt8] {
    let pending = centram_channel_pending(channel)
    return [UInt8](unsafeUninitializedCapacity: pending) { buffer, count in count = pending == 0 ? 0 : centram_channel_take(channel, buffer.baseAddress, pending) }
  }
}
