import CSodium

/// libsodium, made ready before its first use.
enum Sodium {
  static let ready: Void = { precondition(sodium_init() >= 0, "libsodium does not start") }()
}

/// A node's Ed25519 key. The secret stands in memory of its own that is never swapped out and is wiped at the end.
public struct SigningKey: Sendable {
  public static let seedByteCount = 32
  public let publicKey: NodeKey
  private let secret: SecretKey

  /// - Parameter seed: 32 secret bytes.
  /// - Throws: `badKey` for another count.
  public init(seed: some Collection<UInt8>) throws(WireError) {
    guard seed.count == Self.seedByteCount else { throw WireError(.badKey, "a seed has 32 bytes, not \(seed.count)") }
    secret = SecretKey(seed: Array(seed))
    publicKey = secret.publicKey
  }

  /// 64 bytes: Ed25519 over the domain and the content.
  public func sign(_ content: some Collection<UInt8>, domain: SigningDomain) -> [UInt8] {
    let signed = domain.bytes + content
    return signed.withUnsafeBytes { signed in
      [UInt8](unsafeUninitializedCapacity: Signature.byteCount) { target, count in
        sign(signed, into: UnsafeMutableRawPointer(target.baseAddress!))
        count = Signature.byteCount
      }
    }
  }

  /// Writes the signature of bytes that begin with their domain.
  func sign(_ bytes: UnsafeRawBufferPointer, into signature: UnsafeMutableRawPointer) {
    crypto_sign_ed25519_detached(
      signature.assumingMemoryBound(to: UInt8.self), nil, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), secret.pointer)
  }
}

/// 64 bytes in libsodium's guarded memory. Written once, then only read.
private final class SecretKey: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<UInt8>
  let publicKey: NodeKey

  init(seed: [UInt8]) {
    Sodium.ready
    guard let memory = sodium_malloc(Int(crypto_sign_ed25519_SECRETKEYBYTES)) else { preconditionFailure("no memory for a key") }
    pointer = memory.assumingMemoryBound(to: UInt8.self)
    var key = [UInt8](repeating: 0, count: NodeKey.byteCount)
    crypto_sign_ed25519_seed_keypair(&key, pointer, seed)
    publicKey = NodeKey(key)!
    sodium_mprotect_readonly(memory)
  }

  deinit { sodium_free(pointer) }
}
