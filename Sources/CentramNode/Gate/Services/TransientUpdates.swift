internal import CentramModel
internal import CentramPluginAPI

/// Updates that are judged beside each other and are no genomes of the store, such as those of a step of a training round. Services that a layer asks
/// answer for them as they do for genomes.
struct TransientUpdates: Sendable {
  struct Update: Sendable {
    let reference: UpdateReference
    let domain: String
    let files: GenomeFiles
    let adapter: Adapter
    let stored: StoredUpdate
  }

  /// Has the base that they change.
  let bases: NodeBases
  /// What they were trained on top of: an adapter of the base, and what names its bytes; nil for the base alone.
  let start: (adapter: Adapter, key: String)?
  /// By content hash, hexadecimal digits.
  let updates: [String: Update]

  /// Those of a domain but one, in the order of their hashes.
  func cohort(domain: String, beside contentHash: [UInt8], limit: Int) -> [UpdateReference] {
    let others = updates.values.filter { $0.domain == domain && $0.reference.contentHash != contentHash }.map(\.reference)
    return Array(others.sorted { $0.contentHash.lexicographicallyPrecedes($1.contentHash) }.prefix(limit))
  }
}
