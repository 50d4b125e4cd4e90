/// What names a genome: a hash of its files' names, sizes and hashes, and of nothing else.
public enum ContentHash {
  /// Stands in front, so that no other hash can be taken for this.
  public static let domain: [UInt8] = Array("centram/content/1\0".utf8)

  /// 32 bytes.
  /// - Parameter files: in the manifest's order. Their hashes must be hexadecimal digits, as a parsed manifest's are.
  public static func of(_ files: [Manifest.File]) -> [UInt8] {
    var hash = SHA256()
    hash.add(domain)
    for file in files {
      let size = UInt64(clamping: file.size)
      hash.add(Array(file.name.utf8) + [0])
      hash.add((0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * UInt64($0))) })
      hash.add(Hexadecimal.bytes(file.sha256) ?? [])
    }
    return hash.finish()
  }
}

/// The hashes of a file's pieces, by which it is transferred.
public enum ChunkHashes {
  /// SHA-256 of each chunk of `size` bytes, in order; the last may be shorter. An empty file has none.
  public static func of(_ bytes: UnsafeRawBufferPointer, size: Int) -> [[UInt8]] {
    precondition(size > 0, "a chunk has at least one byte")
    return stride(from: 0, to: bytes.count, by: size).map { SHA256.digest(of: UnsafeRawBufferPointer(rebasing: bytes[$0..<min(bytes.count - $0, size) + $0])) }
  }

  /// SHA-256 of the joined hashes: what the manifest names.
  public static func joined(_ hashes: [[UInt8]]) -> [UInt8] {
    var hash = SHA256()
    for part in hashes { hash.add(part) }
    return hash.finish()
  }
}

extension ContentHash {
  /// Of the files themselves, whatever a manifest says of them.
  /// - Parameter configuration: adapter_config.json; empty for a full delta.
  public static func of(configuration: [UInt8], weights: UnsafeRawBufferPointer) -> [UInt8] {
    let kind: GenomeKind = configuration.isEmpty ? .fullDelta : .adapter
    let files = kind.files.map { name in
      let isWeights = name == kind.weightsFile
      let digest = isWeights ? SHA256.digest(of: weights) : SHA256.digest(of: configuration)
      return Manifest.File(
        name: name, size: Int64(isWeights ? weights.count : configuration.count), sha256: Hexadecimal.text(digest), chunkSize: Manifest.standardChunkSize, chunks: "")
    }
    return of(files)
  }
}
