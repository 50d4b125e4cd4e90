internal import CSodium

/// The Ed25519 signature of a manifest's bytes by its author.
public enum ManifestSignature {
  /// Stands in front of what is signed, so that no other signature can be taken for this. The same as the wire's domain for genomes.
  public static let domain: [UInt8] = Array("centram/genome/1\0".utf8)
  public static let byteCount = 64

  /// Whether it holds. Strict: S below the group's order, a canonical key, and neither the key nor R of small order.
  /// - Parameters:
  ///   - signature: 64 bytes.
  ///   - key: 32 bytes.
  public static func holds(_ signature: [UInt8], of manifest: [UInt8], by key: [UInt8]) -> Bool {
    guard signature.count == byteCount, key.count == 32, isReady else { return false }
    let signed = domain + manifest
    return crypto_sign_ed25519_verify_detached(signature, signed, UInt64(signed.count), key) == 0
  }

  private static let isReady = sodium_init() >= 0
}
