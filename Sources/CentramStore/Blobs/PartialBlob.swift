internal import CHostSystem
internal import CentramGenome
internal import Foundation
internal import Synchronization

/// A file of a genome that comes in pieces, in any order, and outlives the process that fetches it. Nothing says which pieces are there: whoever goes
/// on compares the hash of each again.
///
/// Locked while it lives, so that nobody else writes it and no collection takes it.
public final class PartialBlob: Sendable {
  public let size: Int
  /// Whether it was there before.
  public let isResumed: Bool
  let path: String
  private let descriptor: Int32
  private let hashing = Mutex(Hashing())

  /// How far the hash of the whole has come.
  private struct Hashing: ~Copyable {
    var digest = SHA256(), position = 0
    /// Up to where writing to the disk was begun.
    var begun = 0

    mutating func add(_ piece: Lent, at offset: Int) {
      guard position == offset else { return }
      digest.add(piece.bytes)
      position += piece.bytes.count
    }
  }

  /// Bytes that go into the lock and are not kept there.
  private struct Lent: @unchecked Sendable { let bytes: UnsafeRawBufferPointer }

  /// - Throws: `.busy` where another one holds it.
  init(path: String, size: Int) throws(StoreError) {
    (self.path, self.size) = (path, size)
    var descriptor: Int32 = -1
    var status = stat()
    // A collection may remove the file between its opening and its locking; then it is made again.
    repeat {
      if descriptor >= 0 { close(descriptor) }
      descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw .system(path) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        close(descriptor)
        throw StoreError(.busy, "\(path): it is being fetched already")
      }
    } while fstat(descriptor, &status) == 0 && status.st_nlink == 0
    self.descriptor = descriptor
    isResumed = status.st_size > 0
    guard ftruncate(descriptor, off_t(size)) == 0 else {
      let error = StoreError.system(path)
      close(descriptor)
      throw error
    }
  }

  deinit {
    // For copies of the descriptor in processes that are about to run another program.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Writes a piece that is right; it may lie in the system's buffers until the file is kept. One at which the hash of the whole has arrived is taken
  /// into it here, while its bytes are at hand.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StoreError) {
    precondition(offset >= 0 && offset + bytes.count <= size, "a piece lies inside its file")
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .system(path) }
      done += count
    }
    let lent = Lent(bytes: bytes)
    _ = hashing.withLockIfAvailable { $0.add(lent, at: offset) }
  }

  /// Reads a piece, whatever is there.
  public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) { try Self.read(descriptor, path, at: offset, into: buffer) }

  /// Removes the file.
  public func discard() { unlink(path) }

  func synchronize() throws(StoreError) {
    guard fsync(descriptor) == 0 else { throw .system(path) }
  }

  /// Goes on with the hash of the whole and begins to write it to the disk, so that little is left for the end: everything before `end` is there and stays.
  /// Returns at once where another task does so now.
  public func advance(to end: Int) throws(StoreError) {
    precondition(end <= size)
    let result = hashing.withLockIfAvailable { advance(&$0, to: end) }
    try result?.get()
  }

  /// SHA-256 of the whole, which is there.
  func digest() throws(StoreError) -> String {
    try hashing.withLock { state -> Result<String, StoreError> in
      if case .failure(let error) = advance(&state, to: size) { return .failure(error) }
      var whole = Hashing()
      swap(&state, &whole)
      return .success(Hexadecimal.text(whole.digest.finish()))
    }.get()
  }

  private func advance(_ state: inout Hashing, to end: Int) -> Result<Void, StoreError> {
    if state.position < end, case .failure(let error) = reread(&state, to: end) { return .failure(error) }
    // Only begins it; `synchronize` waits for all of it and tells what failed.
    if state.begun < end { _ = centram_begin_writing(descriptor, Int64(state.begun), Int64(end - state.begun)) }
    state.begun = max(state.begun, end)
    return .success(())
  }

  private func reread(_ state: inout Hashing, to end: Int) -> Result<Void, StoreError> {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: BlobFolder.pieceSize, alignment: 64)
    defer { buffer.deallocate() }
    while state.position < end {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, end - state.position)])
      do throws(StoreError) { try read(at: state.position, into: piece) } catch { return .failure(error) }
      state.digest.add(UnsafeRawBufferPointer(piece))
      state.position += piece.count
    }
    return .success(())
  }

  static func read(_ descriptor: Int32, _ path: String, at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .system(path) }
      guard count > 0 else { throw StoreError(.damaged, "\(path): it ends at byte \(offset + done), before the piece of \(buffer.count) bytes at \(offset)") }
      done += count
    }
  }
}
