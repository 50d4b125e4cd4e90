internal import CSodium
public import CentramGenome

/// An author's Ed25519 key, made from a number, so that a corpus is the same every time.
public struct CorpusKey: Sendable {
  /// 32 bytes.
  public let publicKey: [UInt8]
  private let secret: [UInt8]

  public init(_ number: UInt64) {
    precondition(sodium_init() >= 0, "libsodium does not start")
    let seed = SHA256.digest(of: Array("centram gate corpus \(number)".utf8))
    var (key, secret) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 64))
    crypto_sign_ed25519_seed_keypair(&key, &secret, seed)
    (publicKey, self.secret) = (key, secret)
  }

  public var hex: String { Hexadecimal.text(publicKey) }

  /// - Parameter domain: stands before what is signed; a genome's unless the test is about another.
  public func sign(_ content: [UInt8], domain: [UInt8] = ManifestSignature.domain) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: 64)
    let signed = domain + content
    crypto_sign_ed25519_detached(&signature, nil, signed, UInt64(signed.count), secret)
    return signature
  }
}
