internal import CentramGenome
internal import Foundation

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

  deinit { close(descriptor) }

  /// Writes a piece; it may lie in the system's buffers until the file is kept.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(StoreError) {
    precondition(offset >= 0 && offset + bytes.count <= size, "a piece lies inside its file")
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .system(path) }
      done += count
    }
  }

  /// Reads a piece, whatever is there.
  public func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) { try Self.read(descriptor, path, at: offset, into: buffer) }

  /// Removes the file.
  public func discard() { unlink(path) }

  func synchronize() throws(StoreError) {
    guard fsync(descriptor) == 0 else { throw .system(path) }
  }

  /// SHA-256 of the whole.
  func digest() throws(StoreError) -> String {
    var digest = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: BlobFolder.pieceSize, alignment: 64)
    defer { buffer.deallocate() }
    for offset in stride(from: 0, to: size, by: buffer.count) {
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, size - offset)])
      try read(at: offset, into: piece)
      digest.add(UnsafeRawBufferPointer(piece))
    }
    return Hexadecimal.text(digest.finish())
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
