internal import CentramGenome
internal import CentramStore

extension GenomeLibrary {
  /// Keeps the files of a merge as the next genome of this node, and signs it.
  /// - Parameters:
  ///   - parents: with basis points that sum to 10,000.
  ///   - recipe: nil where another machine would not make the same bytes.
  /// - Returns: the genome that these files are already, where they are one.
  func keep(
    _ files: [(name: String, bytes: [UInt8])], kind: GenomeKind, base: String, parents: [(record: GenomeRecord, basisPoints: Int)], recipe: Manifest.Recipe?, domain: String,
    metrics: [Manifest.Metric], operatorID: String, operatorVersion: String, agent: String
  ) throws(GenomePackageError) -> GenomeRecord {
    let time = now(), key = try key
    var entries: [Manifest.File] = [], lists: [ChunkList] = []
    for (name, bytes) in files {
      let blob = try GenomePackageError.storing { () throws(StoreError) in try store.put(bytes, now: time) }
      let chunkSize = name == GenomeKind.configurationFile ? Manifest.standardChunkSize : SignedManifest.chunkSize(for: bytes.count)
      let chunks = bytes.withUnsafeBytes { ChunkHashing($0, chunkSize: chunkSize) }
      entries.append(
        Manifest.File(name: name, size: Int64(bytes.count), sha256: blob.hash, chunkSize: chunkSize, chunks: chunks.joined))
      lists.append(chunks.list(of: blob.hash))
    }
    let id = Hexadecimal.text(ContentHash.of(entries))
    if let known = try existing(id) { return known }
    try GenomePackageError.storing { () throws(StoreError) in try store.remember(lists) }
    var manifest = Manifest(
      id: id, base: base, kind: kind, files: entries, parents: parents.map { .init(id: $0.record.id, weight: $0.basisPoints) }, recipe: recipe,
      generation: 1 + (parents.map(\.record.generation).max() ?? 0), author: author, madeMilliseconds: time, domain: domain,
      trainer: .init(id: operatorID, version: operatorVersion), metrics: metrics, license: "NOASSERTION", agent: agent)
    var failure: GenomePackageError?
    do throws(StoreError) {
      return try store.append(id, author: author) { (last) throws(StoreError) in
        (manifest.sequence, manifest.previous) = (Int64((last?.lastSequence ?? 0) + 1), last?.lastID)
        do throws(GenomePackageError) {
          let signed = try SignedManifest(manifest, by: key)
          return (signed.record(.own, now: time), signed.bytes)
        } catch {
          failure = error
          throw StoreError(.invalid, error.message)
        }
      }
    } catch {
      // Another process may have made the same merge meanwhile.
      if error.code == .conflict, let known = try existing(id) { return known }
      throw failure ?? GenomePackageError(error)
    }
  }

  private func existing(_ id: String) throws(GenomePackageError) -> GenomeRecord? {
    do throws(StoreError) { return try store.genome(id) } catch {
      if error.code == .notFound { return nil }
      throw GenomePackageError(error)
    }
  }
}
