// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI
internal import CSodium

/// `centram.identity/1` from a seed, for tests: the same seed is the same node.
public struct TestIdentity: IdentityService {
  public let publicKey: [UInt8]
  private let seed: [UInt8]
  private let secretKey: [UInt8]

  /// - Parameter number: becomes the seed's first eight bytes; the other 24 are zero.
  public init(_ number: UInt64) {
    self.init(seed: (0..<32).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) : 0 })
  }

  /// - Parameter seed: 32 bytes.
  public init(seed: [UInt8]) {
    precondition(seed.count == 32, "a seed has 32 bytes, this one \(seed.count)")
    var publicKey = [UInt8](repeating: 0, count: 32), secretKey = [UInt8](repeating: 0, count: 64)
    crypto_sign_ed25519_seed_keypair(&publicKey, &secretKey, seed)
    (self.seed, self.publicKey, self.secretKey) = (seed, publicKey, secretKey)
  }

  public var peer: PeerID { PeerID(publicKey)! }

  public func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: 64)
    crypto_sign_ed25519_detached(&signature, nil, message, UInt64(message.count), secretKey)
    return signature
  }

  public func exportSeed() throws(PluginError) -> [UInt8] { seed }
}
