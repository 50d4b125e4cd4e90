public import CentramPluginAPI
internal import CSodium

/// The node's key, as a TLS stack needs it: the seed, and a certificate that says nothing but the key.
public struct NodeIdentity: Sendable {
  public let peer: PeerID
  /// 32 bytes.
  public let seed: [UInt8]
  /// DER.
  public let certificate: [UInt8]

  /// - Throws: `.invalid` where the seed has not 32 bytes.
  public init(seed: [UInt8]) throws(PluginError) {
    guard seed.count == 32 else { throw PluginError(.invalid, "the node's seed has \(seed.count) bytes; it must have 32") }
    var publicKey = [UInt8](repeating: 0, count: 32), secretKey = [UInt8](repeating: 0, count: 64)
    crypto_sign_ed25519_seed_keypair(&publicKey, &secretKey, seed)
    defer { sodium_memzero(&secretKey, 64) }
    (self.seed, peer) = (seed, PeerID(publicKey)!)
    certificate = Certificate.selfSigned(publicKey) { body in
      var signature = [UInt8](repeating: 0, count: 64)
      crypto_sign_ed25519_detached(&signature, nil, body, UInt64(body.count), secretKey)
      return signature
    }
  }

  /// - Throws: `.unavailable` where the host has no identity, or what it throws when it does not give out the seed.
  public init(_ services: any HostServices) throws(PluginError) {
    guard let identity = services.service("centram.identity/1") as? any IdentityService else {
      throw PluginError(.unavailable, "the host offers no centram.identity/1, and a transport needs the node's key")
    }
    try self.init(seed: try identity.exportSeed())
    guard peer.bytes == identity.publicKey else { throw PluginError(.invalid, "the node's seed does not belong to its public key") }
  }
}

/// An X.509 certificate (RFC 5280) with an Ed25519 key (RFC 8410), signed by itself. Names and dates are the same in all: the key is the identity.
enum Certificate {
  static func selfSigned(_ publicKey: [UInt8], sign: ([UInt8]) -> [UInt8]) -> [UInt8] {
    let algorithm = sequence(element(0x06, [0x2B, 0x65, 0x70]))
    let name = sequence(element(0x31, sequence(element(0x06, [0x55, 0x04, 0x03]) + element(0x0C, Array("centram".utf8)))))
    let validity = sequence(element(0x17, Array("000101000000Z".utf8)) + element(0x18, Array("99991231235959Z".utf8)))
    let key = sequence(algorithm + element(0x03, [0] + publicKey))
    let version = element(0xA0, element(0x02, [2])), serial = element(0x02, [1])
    let body = sequence(version + serial + algorithm + name + validity + name + key)
    return sequence(body + algorithm + element(0x03, [0] + sign(body)))
  }

  private static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }

  private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let length: [UInt8] =
      content.count < 128 ? [UInt8(content.count)] : content.count < 256 ? [0x81, UInt8(content.count)] : [0x82, UInt8(content.count >> 8), UInt8(content.count & 255)]
    return [tag] + length + content
  }
}
