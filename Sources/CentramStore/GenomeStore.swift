internal import Foundation
internal import GRDB

/// The genomes of this node: a database of what is known of each, their files by hash, and every signed manifest as a file of its own, from
/// which a lost database can be rebuilt.
///
///     genomes.sqlite               the tables (`Schema`)
///     blobs/ab/cdef…               files of genomes, by SHA-256
///     manifests/ab/cdef…           signed manifests as received, by id
///     revocations/ab/cdef…         signed revocations as received, by SHA-256
///     temporary/                   what grows
///     partial/                     files that peers sent a part of
///
/// May be used by several tasks and processes at once. Times are Unix milliseconds, from the caller's clock.
public final class GenomeStore: Sendable {
  /// A moment at which a crash must lose nothing that was acknowledged.
  public enum Step: String, Sendable, CaseIterable {
    case blobWritten, blobLeased, blobPlaced
    case genomeInserted, genomeCommitted, manifestPlaced
    case decisionRecorded, decisionCommitted
    case fileUnlinked, collectionCommitted
    case stateWritten, statesCommitted
    case attestationsWritten, attestationsCommitted
    case rebuilt, damagedMovedAside, rebuiltPlaced
  }

  public struct Options: Sendable {
    /// How long a file that no genome refers to yet is safe from a collection.
    public var leaseMilliseconds: Int64 = 3_600_000
    /// How long a partial file that nobody added to is kept.
    public var partialMilliseconds: Int64 = 7 * 86_400_000
    /// Called at each step; tests end the process in it.
    public var reached: (@Sendable (Step) -> Void)?
    public init() {}
  }

  public static let repairCommand = "centram-host genome repair"

  public let folder: String
  public let options: Options
  let database: StoreDatabase
  private let use: StoreLock

  /// Opens the store in a folder, or makes it.
  /// - Throws: `.damaged` with the way to repair it, `.newer`, `.busy` while it is repaired, `.full`, `.storage`.
  public init(folder: String, options: Options = Options()) throws(StoreError) {
    (self.folder, self.options) = (folder, options)
    try StoreFolder(folder).prepare()
    use = try StoreLock(folder: folder, exclusive: false)
    try StoreFolder(folder).refuseLostDatabase()
    database = try StoreDatabase(path: StoreFolder(folder).database, repair: Self.repairCommand)
  }

  /// Folds the log into the database, ends every connection, and lets others repair the store. It must not be used afterwards.
  public func close() throws(StoreError) {
    try database.close()
    use.release()
  }

  /// SQLite's journal mode and its `synchronous`: `wal` and 2 (FULL), so that what is acknowledged is on the disk.
  public func durability() throws(StoreError) -> (journal: String, synchronous: Int) { try database.durability() }

  var layout: StoreFolder { StoreFolder(folder) }
  var blobs: BlobFolder { layout.blobs }

  func reached(_ step: Step) { options.reached?(step) }
}

/// Where the parts of a store are.
struct StoreFolder: Sendable {
  let folder: String
  init(_ folder: String) { self.folder = folder }

  var database: String { folder + "/genomes.sqlite" }
  var temporary: String { folder + "/temporary" }
  var partial: String { folder + "/partial" }
  var blobs: BlobFolder { BlobFolder(folder: folder + "/blobs", temporary: temporary) }
  /// Named by id, which is not the hash of their bytes; the signature is what proves them.
  var manifests: BlobFolder { BlobFolder(folder: folder + "/manifests", temporary: temporary) }
  var revocations: BlobFolder { BlobFolder(folder: folder + "/revocations", temporary: temporary) }

  func prepare() throws(StoreError) {
    for path in [temporary, partial, blobs.folder, manifests.folder, revocations.folder] {
      do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch { throw .system(path) }
    }
  }

  /// SQLite takes an empty file for a new database. Here it would be one that forgot everything.
  func refuseLostDatabase() throws(StoreError) {
    var status = stat()
    guard stat(database, &status) != 0 || status.st_size == 0, !manifests.hashes().isEmpty else { return }
    throw StoreError(.damaged, "\(database): the database is gone, but signed manifests are there; \(GenomeStore.repairCommand) rebuilds it from them")
  }

  /// Writes a small file that is there whole or not at all.
  func place(_ bytes: [UInt8], at path: String, in subfolder: String) throws(StoreError) {
    let file = try DurableFile(in: temporary)
    try write(bytes, to: file)
    try file.synchronize()
    try file.place(at: path, in: subfolder)
  }

  func write(_ bytes: [UInt8], to file: DurableFile) throws(StoreError) {
    let result: Result<Void, StoreError> = bytes.withUnsafeBytes { buffer in
      do throws(StoreError) { return .success(try file.write(buffer)) } catch { return .failure(error) }
    }
    try result.get()
  }

  /// - Throws: `.full` where the disk has less room than `bytes`.
  func requireSpace(_ bytes: Int) throws(StoreError) {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { throw .system(folder) }
    let free = Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    guard free >= bytes else {
      throw StoreError(.full, "\(folder): \(bytes) bytes are needed, \(free) are free; make room, say centram-host genome gc, or choose another folder with genomes.path")
    }
  }
}

/// Held shared by whoever uses a store, and alone by whoever rebuilds its database.
final class StoreLock: Sendable {
  private let descriptor: Int32

  init(folder: String, exclusive: Bool) throws(StoreError) {
    let path = folder + "/.lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(path) }
    guard flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 else {
      Foundation.close(descriptor)
      throw StoreError(
        .busy, exclusive ? "\(folder): another process uses the store; stop it (centram-host serve?) and try again" : "\(folder): the store is being repaired; try again")
    }
  }

  func release() { flock(descriptor, LOCK_UN) }

  deinit {
    // Said, not left to the closing: a process that is about to run another program has a copy of the descriptor for a moment, and the lock would live as long.
    release()
    Foundation.close(descriptor)
  }
}
