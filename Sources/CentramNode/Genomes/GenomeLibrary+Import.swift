internal import CentramGenome
public import CentramStore
internal import Foundation

/// A genome that was read and found to be what its author signed.
public struct CheckedGenome: Sendable, Equatable {
  public let signed: SignedManifest
  public var id: String { signed.manifest.id }
  public var author: String { signed.manifest.author }
  /// Bytes of all files.
  public var size: Int { signed.manifest.files.reduce(0) { $0 + Int($1.size) } }
}

extension GenomeLibrary {
  /// Takes a folder or a `.genome` file in: every hash and the signature are checked, and nothing is recorded before all of them hold.
  ///
  /// A genome of this node's own key, as from a copy of an earlier home, counts as the end of its log again.
  /// - Throws: `.malformed`, `.signature`, `.tampered` with the file's name; `.storage`.
  public func `import`(_ path: String, progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws(GenomePackageError) -> (
    record: GenomeRecord, outcome: AddOutcome
  ) {
    let source = try GenomeSource(path: path)
    let signed = try Self.manifest(of: source)
    let time = now()
    var lists: [ChunkList] = []
    for file in signed.manifest.files {
      let writer = try GenomePackageError.storing { () throws(StoreError) in try store.newBlob(size: Int(file.size)) }
      let chunks = try Self.check(file, of: source, isCancelled) { (piece) throws(GenomePackageError) in
        try GenomePackageError.storing { () throws(StoreError) in try writer.write(piece) }
        progress(piece.count)
      }
      _ = try GenomePackageError.storing { () throws(StoreError) in try store.keep(writer, expecting: file.sha256, now: time) }
      lists.append(chunks.list(of: file.sha256))
    }
    let record = signed.record(signed.manifest.author == author ? .own : .received, now: time)
    try GenomePackageError.storing { () throws(StoreError) in try store.remember(lists) }
    let outcome = try GenomePackageError.storing { () throws(StoreError) in try store.add(record, signed: signed.bytes) }
    return (try genome(record.id), outcome)
  }

  /// Checks a folder or a `.genome` file without taking it in.
  public static func verify(_ path: String, progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool = { false }) throws(GenomePackageError) -> CheckedGenome {
    let source = try GenomeSource(path: path)
    let signed = try manifest(of: source)
    for file in signed.manifest.files { _ = try check(file, of: source, isCancelled) { (piece) throws(GenomePackageError) in progress(piece.count) } }
    return CheckedGenome(signed: signed)
  }

  /// Checks a genome of the store: its signature as kept, and every byte of its files.
  public func verify(_ record: GenomeRecord, progress: (Int) -> Void = { _ in }) throws(GenomePackageError) -> CheckedGenome {
    let signed = try SignedManifest(record)
    guard signed.record(record.state, now: record.stateMilliseconds) == record else {
      throw GenomePackageError(.tampered, "\(record.id): the database says something else than the signed manifest; \(GenomeStore.repairCommand) rebuilds it")
    }
    for file in record.files {
      do throws(StoreError) {
        try store.read(file.hash) { (piece) throws(StoreError) in progress(piece.count) }
      } catch {
        throw GenomePackageError(error.code == .damaged ? .tampered : error.code == .notFound ? .notFound : .storage, "\(file.name): \(error.message)")
      }
    }
    return CheckedGenome(signed: signed)
  }

  private static func manifest(of source: GenomeSource) throws(GenomePackageError) -> SignedManifest {
    let name = "\(source.path): \(SignedManifest.fileName)"
    let signed = try SignedManifest(bytes: try source.bytes(SignedManifest.fileName, atMost: SignedManifest.maximumLength), name: name)
    let strangers = source.archiveNames.subtracting(signed.manifest.files.map(\.name) + [SignedManifest.fileName])
    if let stranger = strangers.min() { throw GenomePackageError(.malformed, "\(source.path): it holds \(stranger), which the manifest does not name") }
    for file in signed.manifest.files {
      guard let size = try source.size(file.name) else { throw GenomePackageError(.malformed, "\(source.path): \(file.name) is missing") }
      guard size == Int(file.size) else { throw GenomePackageError(.tampered, "\(source.path): \(file.name) has \(size) bytes, and the manifest says \(file.size)") }
    }
    return signed
  }

  /// Lends a file's bytes and compares their hash and that of the chunks' hashes with the manifest's.
  /// - Returns: the chunks' hashes.
  private static func check(
    _ file: Manifest.File, of source: GenomeSource, _ isCancelled: () -> Bool, _ body: (UnsafeRawBufferPointer) throws(GenomePackageError) -> Void
  ) throws(GenomePackageError) -> ChunkHashing {
    var whole = CentramGenome.SHA256(), chunks = ChunkHashing(chunkSize: file.chunkSize)
    // Pieces are chunks, so that one pass gives both hashes.
    try source.read(file.name, size: Int(file.size), piece: file.chunkSize) { (piece) throws(GenomePackageError) in
      guard !isCancelled() else { throw GenomePackageError(.cancelled, "cancelled while reading \(file.name); nothing was recorded") }
      whole.add(piece)
      chunks.add(piece)
      try body(piece)
    }
    guard Hexadecimal.text(whole.finish()) == file.sha256 else {
      throw GenomePackageError(.tampered, "\(source.path): \(file.name) is not the file that the author signed: its SHA-256 is not \(file.sha256)")
    }
    guard chunks.joined == file.chunks else {
      throw GenomePackageError(.malformed, "\(source.path): the manifest's hash of the chunks of \(file.name) is not that of its chunks of \(file.chunkSize) bytes")
    }
    return chunks
  }
}
