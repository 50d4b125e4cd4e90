internal import CentramStore

/// The partial files of a genome, with what was found in them.
struct OpenedPartials: Sendable {
  /// Nil for a file that is in the store already.
  var partials: [PartialBlob?] = []
  /// By file and chunk: what is there.
  var done: [[Bool]] = []
  /// Chunks that were there from before.
  var resumed = 0

  /// Opens or begins them. Each chunk's hash is compared, so that nothing of a file that was torn or changed counts.
  static func open(_ manifest: TransferManifest, in store: GenomeStore) async throws(StoreError) -> OpenedPartials {
    var result = OpenedPartials()
    for (index, file) in manifest.files.enumerated() {
      let count = manifest.hashes[index].count
      if store.hasBlob(file.sha256), (try? store.verify(file.sha256)) != nil {
        result.partials.append(nil)
        result.done.append(Array(repeating: true, count: count))
        continue
      }
      let partial = try store.partial(of: manifest.id, hash: file.sha256, size: Int(file.size))
      var done = Array(repeating: false, count: count)
      if partial.isResumed {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: file.chunkSize, alignment: 64)
        defer { buffer.deallocate() }
        for position in 0..<count {
          let chunk = ChunkPlan.Chunk(file: index, index: position), range = manifest.range(of: chunk)
          let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count])
          try partial.read(at: range.lowerBound, into: piece)
          done[position] = manifest.isRight(UnsafeRawBufferPointer(piece), chunk)
        }
      }
      result.resumed += done.count { $0 }
      result.partials.append(partial)
      result.done.append(done)
    }
    return result
  }
}
