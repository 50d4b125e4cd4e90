internal import CSodium

/// What both ends of a handshake know and nobody else: from X25519 of the keys that were made for this connection, and from the transcript.
struct SessionKeys: Sendable, Equatable {
  /// The id of a new session; 16 bytes.
  let session: [UInt8]
  /// 32 bytes each: for streams that are authenticated by key instead of signature, from the dialler and to it.
  let fromDialler: [UInt8], toDialler: [UInt8]
  private let confirming: [UInt8]

  /// - Throws: `.identity` where the peer's ephemeral key is one of the few that give everybody the same secret.
  init(secret: [UInt8], peer: [UInt8], transcript: [UInt8]) throws(SessionError) {
    precondition(secret.count == 32 && peer.count == 32 && transcript.count == 32, "keys and hashes have 32 bytes")
    var shared = [UInt8](repeating: 0, count: 32)
    guard crypto_scalarmult(&shared, secret, peer) == 0 else { throw SessionError(.identity, "the peer's ephemeral key is of small order") }
    session = Array(Self.derive("session", transcript, shared).prefix(16))
    fromDialler = Self.derive("from dialler", transcript, shared)
    toDialler = Self.derive("to dialler", transcript, shared)
    confirming = Self.derive("confirm", transcript, shared)
    sodium_memzero(&shared, shared.count)
  }

  /// What an end shows to prove that it has the secret; differs by role.
  func confirmation(isDialler: Bool) -> [UInt8] { Self.hash([isDialler ? 0 : 1], key: confirming) }

  private static func derive(_ label: String, _ transcript: [UInt8], _ key: [UInt8]) -> [UInt8] {
    hash(Array("centram/1/keys\0\(label)\0".utf8) + transcript, key: key)
  }

  /// BLAKE2b, 32 bytes.
  private static func hash(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    crypto_generichash(&result, result.count, message, UInt64(message.count), key, key.count)
    return result
  }

  /// The public half of an ephemeral key.
  static func publicKey(of secret: [UInt8]) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    crypto_scalarmult_base(&result, secret)
    return result
  }

  static func sha256(_ parts: [UInt8]...) -> [UInt8] {
    var state = crypto_hash_sha256_state()
    crypto_hash_sha256_init(&state)
    for part in parts { crypto_hash_sha256_update(&state, part, UInt64(part.count)) }
    var result = [UInt8](repeating: 0, count: 32)
    crypto_hash_sha256_final(&state, &result)
    return result
  }

  /// Compares in a time that does not depend on the contents.
  static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { left.count == right.count && sodium_memcmp(left, right, left.count) == 0 }
}
