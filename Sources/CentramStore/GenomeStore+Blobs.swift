internal import CentramGenome
internal import Foundation
internal import GRDB

/// A file of the store.
public struct Blob: Sendable, Equatable {
  /// SHA-256.
  public var hash: String
  public var size: Int
}

/// A file on its way into a store, piece by piece. Dropped unfinished, it leaves nothing.
public final class BlobWriter {
  let file: DurableFile
  private var digest: SHA256? = SHA256()

  init(in folder: String) throws(StoreError) { file = try DurableFile(in: folder) }

  public var size: Int { file.size }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
    try file.write(bytes)
    digest?.add(bytes)
  }

  func finish() throws(StoreError) -> Blob {
    guard let digest = digest.take() else { throw StoreError(.conflict, "\(file.temporary): it is finished already") }
    try file.synchronize()
    return Blob(hash: Hexadecimal.text(digest.finish()), size: file.size)
  }
}

extension GenomeStore {
  /// - Parameter size: bytes that will come, for which there must be room.
  public func newBlob(size: Int) throws(StoreError) -> BlobWriter {
    try layout.requireSpace(size)
    return try BlobWriter(in: layout.temporary)
  }

  /// Keeps a finished file: durable when it returns, and safe from a collection until its lease ends or a genome refers to it.
  /// - Parameter hash: what it must have; nil: whatever it has.
  /// - Throws: `.damaged` for another hash.
  public func keep(_ writer: BlobWriter, expecting hash: String? = nil, now: Int64) throws(StoreError) -> Blob {
    let blob = try writer.finish()
    if let hash, hash != blob.hash { throw StoreError(.damaged, "the file has the hash \(blob.hash), not \(hash)") }
    reached(.blobWritten)
    try lease(blob, now: now)
    // One that is there may be damaged; the new one is not.
    try writer.file.place(at: blobs.path(blob.hash), in: blobs.subfolder(blob.hash))
    reached(.blobPlaced)
    return blob
  }

  /// The row goes before the name: a collection removes names without a row, and no row that is leased.
  func lease(_ blob: Blob, now: Int64) throws(StoreError) {
    let lease = now + options.leaseMilliseconds
    try database.write { db in
      try db.execute(
        sql: """
          INSERT INTO blobs (hash, size, leased_until_ms) VALUES (?, ?, ?)
          ON CONFLICT (hash) DO UPDATE SET leased_until_ms = max(leased_until_ms, excluded.leased_until_ms)
          """, arguments: [blob.hash, blob.size, lease])
    }
    reached(.blobLeased)
  }

  /// Keeps files that are here from a collection for another lease.
  public func renewLeases(ofBlobs hashes: some Sequence<String>, now: Int64) throws(StoreError) {
    let lease = now + options.leaseMilliseconds
    try database.write { db in
      for hash in hashes { try db.execute(sql: "UPDATE blobs SET leased_until_ms = max(leased_until_ms, ?) WHERE hash = ?", arguments: [lease, hash]) }
    }
  }

  public func put(_ bytes: [UInt8], expecting hash: String? = nil, now: Int64) throws(StoreError) -> Blob {
    let writer = try newBlob(size: bytes.count)
    let result: Result<Void, StoreError> = bytes.withUnsafeBytes { buffer in
      do throws(StoreError) { return .success(try writer.write(buffer)) } catch { return .failure(error) }
    }
    try result.get()
    return try keep(writer, expecting: hash, now: now)
  }

  /// Copies a file into the store.
  public func put(path: String, expecting hash: String? = nil, now: Int64) throws(StoreError) -> Blob {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path) }
    defer { Foundation.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw StoreError(.storage, "\(path): not a regular file") }
    let writer = try newBlob(size: Int(status.st_size))
    try BlobFolder.pieces(of: descriptor, path) { (piece) throws(StoreError) in try writer.write(piece) }
    return try keep(writer, expecting: hash, now: now)
  }

  public func hasBlob(_ hash: String) -> Bool { blobs.size(hash) != nil }

  /// Where the bytes lie, for mapping. Unlike `read` it compares no hash.
  public func path(ofBlob hash: String) -> String { blobs.path(hash) }

  /// The bytes, their hash compared.
  /// - Throws: `.notFound`, `.damaged`.
  public func read(_ hash: String) throws(StoreError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(blobs.size(hash) ?? 0)
    try blobs.read(hash) { (piece) throws(StoreError) in bytes.append(contentsOf: piece) }
    return bytes
  }

  /// Lends the bytes piece by piece; they are those of `hash` only when this returns.
  public func read(_ hash: String, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void) throws(StoreError) { try blobs.read(hash, body) }

  /// Reads a blob and compares its hash.
  public func verify(_ hash: String) throws(StoreError) { try blobs.read(hash) { (_) throws(StoreError) in } }
}
