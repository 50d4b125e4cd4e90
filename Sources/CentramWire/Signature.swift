import CSodium

/// Keeps a signature made for one purpose from being taken for another: its bytes stand before what is signed.
public struct SigningDomain: Hashable, Sendable {
  /// The name and a zero byte.
  public let bytes: [UInt8]
  /// - Parameter name: without a zero byte.
  public init(_ name: String) {
    precondition(!name.utf8.contains(0), "a domain has no zero byte")
    bytes = Array(name.utf8) + [0]
  }

  /// Frames.
  public static let frame = SigningDomain("centram/1/frame")
  /// AuthProof.
  public static let auth = SigningDomain("centram/1/auth")
  /// KeyRotation.
  public static let rotation = SigningDomain("centram/1/rotation")
  /// PeerRecord.
  public static let peer = SigningDomain("centram/1/peer")
  /// WithdrawalRecord.
  public static let withdraw = SigningDomain("centram/1/withdraw")
  /// ProviderRecord.
  public static let provider = SigningDomain("centram/1/provider")
  /// Genome manifests.
  public static let genome = SigningDomain("centram/genome/1")
  /// RevocationRecord.
  public static let revocation = SigningDomain("centram/revocation/1")
  /// Verdict.
  public static let verdict = SigningDomain("centram/verdict/1")
  /// FitnessRecord.
  public static let fitness = SigningDomain("centram/fitness/1")
  /// PrivacyRecord.
  public static let privacy = SigningDomain("centram/privacy/1")
  /// StageReceipt and InferenceReceipt.
  public static let receipt = SigningDomain("centram/receipt/1")
  /// Ledger entries.
  public static let ledger = SigningDomain("centram/ledger/1")
  /// WitnessStatement.
  public static let witness = SigningDomain("centram/witness/1")
  /// RekeyStatement.
  public static let rekey = SigningDomain("centram/rekey/1")
  /// ModelRecord.
  public static let model = SigningDomain("centram/model/1")
}

/// Checks of Ed25519 signatures.
public enum Signature {
  public static let byteCount = 64

  /// Whether `signature` is `key`'s over the domain and the content. Strict: S below the group's order, a canonical key, and
  /// neither the key nor R of small order, so that one signature holds for one content, and nobody has a key that signs all.
  public static func holds(_ signature: some Collection<UInt8>, of content: some Collection<UInt8>, domain: SigningDomain, by key: NodeKey) -> Bool {
    guard signature.count == byteCount else { return false }
    let signature = Array(signature)
    let signed = domain.bytes + content
    return signed.withUnsafeBytes { signed in signature.withUnsafeBytes { holds($0.baseAddress!, of: signed, by: key) } }
  }

  /// The same for bytes that begin with their domain.
  static func holds(_ signature: UnsafeRawPointer, of bytes: UnsafeRawBufferPointer, by key: NodeKey) -> Bool {
    Sodium.ready
    return key.withUnsafeBytes { key in
      crypto_sign_ed25519_verify_detached(
        signature.assumingMemoryBound(to: UInt8.self), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count),
        key.baseAddress!.assumingMemoryBound(to: UInt8.self)) == 0
    }
  }
}
