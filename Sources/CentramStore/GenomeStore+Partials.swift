internal import CentramGenome
internal import Foundation

extension GenomeStore {
  /// Opens the part of a file that is there, or begins one.
  /// - Parameters:
  ///   - genome: whose file it is.
  ///   - hash: SHA-256 of the whole file.
  /// - Throws: `.full`, `.busy` where it is being fetched already, `.invalid`.
  public func partial(of genome: String, hash: String, size: Int) throws(StoreError) -> PartialBlob {
    guard Hexadecimal.isDigest(genome), Hexadecimal.isDigest(hash), size >= 0 else { throw StoreError(.invalid, "\(genome.prefix(64)): no id of a genome, or no hash of a file") }
    try layout.requireSpace(size)
    return try PartialBlob(path: "\(layout.partial)/\(genome)-\(hash)", size: size)
  }

  /// Makes a partial file that is whole one of the store: durable when it returns.
  /// - Throws: `.damaged` where its bytes do not have the hash; the part is removed then.
  public func keep(_ partial: PartialBlob, expecting hash: String, now: Int64) throws(StoreError) -> Blob {
    let found = try partial.digest()
    guard found == hash else {
      partial.discard()
      throw StoreError(.damaged, "the file has the hash \(found), not \(hash)")
    }
    try partial.synchronize()
    reached(.blobWritten)
    let blob = Blob(hash: hash, size: partial.size)
    try lease(blob, now: now)
    try DurableFile.place(partial.path, at: blobs.path(hash), in: blobs.subfolder(hash))
    reached(.blobPlaced)
    return blob
  }

  /// Bytes that partial files may grow to.
  public func partialBytes() -> Int { partials().reduce(0) { $0 &+ $1.size } }

  /// Removes the parts of a genome that nobody fetches now.
  public func discardPartials(of genome: String) {
    for part in partials() where part.name.hasPrefix(genome + "-") { _ = DurableFile.removeAbandoned("\(layout.partial)/\(part.name)") }
  }

  /// Removes parts that nobody added to since a time and nobody fetches now.
  /// - Returns: how many.
  func removePartials(untouchedSince time: Int64) -> Int {
    partials().count { $0.touched <= time && DurableFile.removeAbandoned("\(layout.partial)/\($0.name)") }
  }

  private func partials() -> [(name: String, size: Int, touched: Int64)] {
    BlobFolder.names(layout.partial).compactMap { name in
      var status = stat()
      guard stat("\(layout.partial)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return (name, Int(status.st_size), Int64(status.st_mtim.tv_sec) * 1_000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
    }
  }

  /// Fills `buffer` with a piece of a file, as it lies there: whoever passes it on compares a hash.
  /// - Throws: `.notFound`, `.damaged` where the file is shorter.
  public func read(ofBlob hash: String, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) {
    let path = blobs.path(hash)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw StoreError(.notFound, "\(path): the file is not there") }
      throw .system(path)
    }
    defer { Foundation.close(descriptor) }
    try PartialBlob.read(descriptor, path, at: offset, into: buffer)
  }
}
