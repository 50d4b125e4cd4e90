internal import Foundation

/// A new file that has its whole size on the disk from the start, so that a full disk is an error before any work. Parts may be
/// written in any order, by several threads at once.
final class PreallocatedFile: Sendable {
  let path: String
  private let descriptor: Int32

  /// - Throws: `.unwritable`, also where there is a file of this name.
  init(path: String, size: Int) throws(ModelFileError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    var failure = posix_fallocate(descriptor, 0, off_t(max(1, size)))
    if failure == EOPNOTSUPP || failure == EINVAL { failure = ftruncate(descriptor, off_t(size)) == 0 ? 0 : errno }
    guard failure == 0 else { throw ModelFileError(.unwritable, "\(path): \(size) bytes are needed: \(String(cString: strerror(failure)))") }
  }

  deinit { close(descriptor) }

  private static func failure(_ path: String, _ number: Int32) -> ModelFileError {
    ModelFileError(.unwritable, "\(path): \(String(cString: strerror(number)))")
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(ModelFileError) {
    let result: Result<Void, ModelFileError> = bytes.withUnsafeBytes { buffer in
      do throws(ModelFileError) { return .success(try write(buffer, at: offset)) } catch { return .failure(error) }
    }
    try result.get()
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ModelFileError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failure(path, count == 0 ? ENOSPC : errno) }
      done += count
    }
  }

  /// Waits until the data is on the disk.
  func synchronize() throws(ModelFileError) {
    guard fsync(descriptor) == 0 else { throw Self.failure(path, errno) }
  }
}
