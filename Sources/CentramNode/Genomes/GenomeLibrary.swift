internal import CentramGenome
public import CentramStore
internal import CentramWire
internal import Foundation

/// The genomes of this node, made, taken in, given out and taken back. Signatures and hashes are checked here; what is worth merging is the gate's
/// to say.
public struct GenomeLibrary: Sendable {
  public let store: GenomeStore
  let identity: NodeIdentity
  /// Unix milliseconds.
  let now: @Sendable () -> Int64

  /// - Parameter now: the node's clock, in Unix milliseconds.
  public init(store: GenomeStore, identity: NodeIdentity, now: @escaping @Sendable () -> Int64) { (self.store, self.identity, self.now) = (store, identity, now) }

  /// This node's key as it stands in manifests.
  public var author: String { Hexadecimal.text(identity.publicKey) }

  var key: SigningKey {
    get throws(GenomePackageError) {
      do throws(WireError) { return try SigningKey(seed: identity.seed) } catch { throw GenomePackageError(.signature, error.message) }
    }
  }

  /// The genome of an id or of the beginning of one.
  public func genome(_ text: String) throws(GenomePackageError) -> GenomeRecord {
    try GenomePackageError.storing { () throws(StoreError) in try store.genome(abbreviated: text) }
  }

  /// Frees what no genome needs, after every manifest that a crash left in the database alone has its file.
  public func collect(includingRevoked: Bool = false) throws(GenomePackageError) -> GenomeStore.Collected {
    try GenomePackageError.storing { () throws(StoreError) in
      _ = try store.completeManifests { (record) throws(StoreError) in
        do throws(GenomePackageError) { return try SignedManifest(record).bytes } catch { throw StoreError(.damaged, error.message) }
      }
      return try store.collect(includingRevoked: includingRevoked, now: now())
    }
  }

  /// What this node can say of signed bytes when its database is gone.
  static func reader(author: String, now: Int64) -> GenomeStore.Reader {
    GenomeStore.Reader(
      genome: { bytes in
        let signed = try SignedManifest(bytes: bytes, name: SignedManifest.fileName)
        return signed.record(signed.manifest.author == author ? .own : .received, now: now)
      },
      revocations: { bytes in try SignedRevocation(bytes: bytes).entries(now: now) })
  }

  /// Rebuilds a damaged database from what was signed.
  public static func repair(folder: String, identity: NodeIdentity, now: Int64) throws(GenomePackageError) -> GenomeStore.Repaired {
    try GenomePackageError.storing { () throws(StoreError) in
      try GenomeStore.repair(folder: folder, reader: reader(author: Hexadecimal.text(identity.publicKey), now: now), now: now)
    }
  }
}
