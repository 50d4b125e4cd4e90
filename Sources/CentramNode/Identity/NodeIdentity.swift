internal import CSodium
public import CentramPluginAPI
internal import Foundation

/// The node's Ed25519 key: 32 bytes of seed in a file that only its owner may read, made on first need.
public final class NodeIdentity: IdentityService, @unchecked Sendable {
  public let publicKey: [UInt8]
  private var secret: [UInt8]

  /// Opens the file, or makes it.
  /// - Throws: `.inputOutput` where it cannot be read or made, or where others may read it.
  public convenience init(path: String) throws(PluginError) {
    guard sodium_init() >= 0 else { throw PluginError(.unavailable, "libsodium found no randomness on this system") }
    if !FileManager.default.fileExists(atPath: path) { try Self.make(path) }
    var status = stat()
    guard stat(path, &status) == 0 else { throw Self.failure(path) }
    guard status.st_mode & 0o077 == 0 else {
      throw PluginError(
        .inputOutput, "\(path): others may read the node's key (mode \(String(status.st_mode & 0o777, radix: 8))); say chmod 600 if nobody did, else delete it and be another node")
    }
    guard let data = FileManager.default.contents(atPath: path) else { throw Self.failure(path) }
    guard data.count == 32 else { throw PluginError(.inputOutput, "\(path): \(data.count) bytes, not the 32 of a key; put the right file back") }
    self.init(seed: [UInt8](data))
  }

  /// - Parameter seed: 32 bytes.
  public init(seed: [UInt8]) {
    precondition(seed.count == 32, "a seed has 32 bytes")
    var (key, secret) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 64))
    crypto_sign_seed_keypair(&key, &secret, seed)
    (publicKey, self.secret) = (key, secret)
  }

  deinit { sodium_memzero(&secret, secret.count) }

  public func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: 64)
    guard crypto_sign_detached(&signature, nil, message, UInt64(message.count), secret) == 0 else {
      throw PluginError(.internalFailure, "libsodium did not sign \(message.count) bytes")
    }
    return signature
  }

  /// Whether this key signed the message.
  func holds(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    signature.count == 64 && crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
  }

  /// The 32-byte seed, for the composition root. Plugins ask with `exportSeed`.
  public var seed: [UInt8] { Array(secret.prefix(32)) }

  public func exportSeed() throws(PluginError) -> [UInt8] {
    throw PluginError(.unsupported, "the node's key does not leave it; no setting allows it yet")
  }

  /// Written beside and linked, so that of two processes that make it at once both end with the same.
  private static func make(_ path: String) throws(PluginError) {
    let folder = (path as NSString).deletingLastPathComponent
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw PluginError(.inputOutput, "\(folder): \(error.localizedDescription)")
    }
    var seed = [UInt8](repeating: 0, count: 32)
    randombytes_buf(&seed, seed.count)
    defer { sodium_memzero(&seed, seed.count) }
    let temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(temporary) }
    defer { unlink(temporary) }
    let written = write(descriptor, seed, seed.count) == seed.count && fsync(descriptor) == 0
    close(descriptor)
    guard written, link(temporary, path) == 0 || errno == EEXIST else { throw failure(path) }
  }

  private static func failure(_ path: String) -> PluginError { PluginError(.inputOutput, "\(path): \(String(cString: strerror(errno)))") }
}

/// The identity as a service that opens its file only when a plugin asks for it.
public struct LazyIdentity: IdentityService {
  private let path: String
  public init(path: String) { self.path = path }
  public var publicKey: [UInt8] { (try? NodeIdentity(path: path))?.publicKey ?? [] }
  public func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { try NodeIdentity(path: path).sign(message) }
  public func exportSeed() throws(PluginError) -> [UInt8] { try NodeIdentity(path: path).exportSeed() }
}
