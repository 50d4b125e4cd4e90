internal import Foundation

/// A download that is under way: it grows in the store's `partial` folder, outlives the process, and is locked while one works on it.
final class PartialFile {
  let path: String
  private let descriptor: Int32
  /// Bytes that are there.
  private(set) var size: Int

  /// - Parameter key: of what the file will be; the same key goes on with the same file.
  init(folder: String, key: String) throws(ModelStoreError) {
    path = "\(folder)/\(key)"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw ModelStoreError(.storage, "\(path): another process downloads it; wait for it or stop it")
    }
    let end = lseek(descriptor, 0, SEEK_END)
    guard end >= 0 else {
      close(descriptor)
      throw .system(path)
    }
    size = Int(end)
  }

  deinit { close(descriptor) }

  /// Puts bytes where they belong; what was behind them goes.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ModelStoreError) {
    if offset != size {
      guard offset < size else { throw ModelStoreError(.network, "\(path): the server goes on at byte \(offset), but \(size) are there") }
      try truncate(to: offset)
    }
    var rest = bytes
    while !rest.isEmpty {
      let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(size))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw ModelStoreError(.storage, "\(path): \(String(cString: strerror(errno))); \(size) bytes are kept, and the same command goes on from there")
      }
      size += count
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  func truncate(to count: Int) throws(ModelStoreError) {
    guard ftruncate(descriptor, off_t(count)) == 0 else { throw .system(path) }
    size = count
  }

  func synchronize() throws(ModelStoreError) {
    guard fsync(descriptor) == 0 else { throw .system(path) }
  }

  func remove() { unlink(path) }
}
