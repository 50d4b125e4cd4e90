/// How a manifest's values must fit together. Gate layers check these one by one; a store or a trainer checks all of them.
extension Manifest {
  /// SHA-256 of what `files` says; `id` must be it.
  public var contentHash: [UInt8] { ContentHash.of(files) }

  /// - Throws: `inconsistent` where the id is not that of the content.
  public func checkId() throws(GenomeError) {
    let hash = Hexadecimal.text(contentHash)
    guard id == hash else { throw GenomeError(.inconsistent, "the id is \(id), the hash of the content \(hash)") }
  }

  /// - Throws: `inconsistent`: a parent twice, the genome as its own parent, weights that do not sum to `wholeWeight`, a recipe or a generation without parents.
  public func checkParents() throws(GenomeError) {
    var seen = Set<String>()
    for parent in parents {
      guard parent.id != id else { throw GenomeError(.inconsistent, "the genome names itself as its parent") }
      guard seen.insert(parent.id).inserted else { throw GenomeError(.inconsistent, "the parent \(parent.id) stands twice") }
      guard parent.weight > 0 else { throw GenomeError(.inconsistent, "the parent \(parent.id) has the weight 0; leave it out") }
    }
    let sum = parents.reduce(0) { $0 + $1.weight }
    guard parents.isEmpty || sum == Self.wholeWeight else {
      throw GenomeError(.inconsistent, "the parents' weights sum to \(sum) basis points, not to \(Self.wholeWeight)")
    }
    guard !parents.isEmpty || generation == 0 else { throw GenomeError(.inconsistent, "the generation is \(generation), but there are no parents") }
    guard parents.isEmpty || generation > 0 else { throw GenomeError(.inconsistent, "the generation is 0, but there are \(parents.count) parents") }
    guard recipe == nil || !parents.isEmpty else { throw GenomeError(.inconsistent, "there is a recipe, but no parents to merge by it") }
  }

  /// - Throws: `inconsistent` where `previous` is there for the first of a log, or missing for a later one.
  public func checkPrevious() throws(GenomeError) {
    guard (sequence == 1) == (previous == nil) else {
      throw GenomeError(.inconsistent, "the sequence is \(sequence), and previous is \(previous ?? "absent"): only the first of a log has none")
    }
    guard previous != id else { throw GenomeError(.inconsistent, "the genome names itself as the one before it") }
  }

  /// All of them.
  public func checkRelations() throws(GenomeError) {
    try checkId()
    try checkParents()
    try checkPrevious()
  }
}

extension Manifest.File {
  /// The entry of a file whose bytes are at hand.
  public init(name: String, bytes: UnsafeRawBufferPointer, chunkSize: Int = Manifest.standardChunkSize) {
    self.init(
      name: name, size: Int64(bytes.count), sha256: Hexadecimal.text(SHA256.digest(of: bytes)), chunkSize: chunkSize,
      chunks: Hexadecimal.text(ChunkHashes.joined(ChunkHashes.of(bytes, size: chunkSize))))
  }

  public init(name: String, bytes: [UInt8], chunkSize: Int = Manifest.standardChunkSize) {
    self = bytes.withUnsafeBytes { Manifest.File(name: name, bytes: $0, chunkSize: chunkSize) }
  }
}
