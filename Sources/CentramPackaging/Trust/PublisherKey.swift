internal import CSodium
public import CentramHost
internal import Foundation

/// A publisher's Ed25519 key: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` writes it, in a file that only its owner may read.
public final class PublisherKey: @unchecked Sendable {  // its secret is written once
  /// 32 bytes.
  public let publicKey: [UInt8]
  private var secretKey: [UInt8]

  /// - Parameter seed: 32 bytes.
  public init(seed: [UInt8]) {
    precondition(seed.count == 32, "a seed has 32 bytes, this one \(seed.count)")
    var (publicKey, secretKey) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 64))
    crypto_sign_ed25519_seed_keypair(&publicKey, &secretKey, seed)
    (self.publicKey, self.secretKey) = (publicKey, secretKey)
  }

  deinit { sodium_memzero(&secretKey, secretKey.count) }

  /// Opens a file: PEM, or the 32 bytes of seed that a node's key file has.
  /// - Throws: `inputOutput` where others may read it, `invalid` where it holds another kind of key.
  public convenience init(path: String) throws(HostError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .system(path) }
    guard status.st_mode & 0o077 == 0 else {
      throw HostError(.inputOutput, "\(path): others may read this key (mode \(String(status.st_mode & 0o777, radix: 8))); say chmod 600 if nobody did, else make another")
    }
    var bytes = try OpenFile.read(path, limit: PEM.sizeLimit)
    defer { sodium_memzero(&bytes, bytes.count) }
    guard PEM.content("ENCRYPTED PRIVATE KEY", of: bytes) == nil else {
      throw HostError(.invalid, "\(path) is encrypted; take the passphrase off a copy with: openssl pkey -in \(path) -out COPY")
    }
    guard var seed = bytes.count == 32 ? bytes : PEM.content("PRIVATE KEY", of: bytes).flatMap({ PEM.drop(PEM.secretKeyHead, from: $0) }) else {
      throw HostError(.invalid, "\(path) holds no Ed25519 key in PEM; make one with: centram-host plugin keygen FILE")
    }
    defer { sodium_memzero(&seed, seed.count) }
    self.init(seed: seed)
  }

  /// Makes a new key and writes it to a file that is not there yet.
  public static func make(at path: String) throws(HostError) -> PublisherKey {
    guard sodium_init() >= 0 else { throw HostError(.inputOutput, "libsodium found no randomness on this system") }
    var seed = [UInt8](repeating: 0, count: 32)
    randombytes_buf(&seed, seed.count)
    defer { sodium_memzero(&seed, seed.count) }
    var text = Array(PEM.text("PRIVATE KEY", PEM.secretKeyHead + seed).utf8)
    defer { sodium_memzero(&text, text.count) }
    try DurableFile.write(text, to: path, mode: 0o600, replaces: false)
    return PublisherKey(seed: seed)
  }

  /// 64 bytes over exactly these bytes.
  public func sign(_ bytes: [UInt8]) -> [UInt8] { PluginSignature.sign(bytes, secretKey: secretKey) }
}
