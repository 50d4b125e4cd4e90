internal import Foundation

/// A file that appears under its name when it is whole: written beside it, flushed to the disk, renamed.
struct AtomicFile: ~Copyable {
  private let path: String
  private let descriptor: Int32

  static func write(_ path: String, _ body: (borrowing AtomicFile) throws(ModelFileError) -> Void) throws(ModelFileError) {
    let temporary = "\(path).\(getpid()).part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path) }
    do throws(ModelFileError) {
      let file = AtomicFile(path: path, descriptor: descriptor)
      defer { close(descriptor) }
      try body(file)
      guard fsync(descriptor) == 0 else { throw failure(path) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, path) == 0 else {
      let error = failure(path)
      unlink(temporary)
      throw error
    }
  }

  private static func failure(_ path: String) -> ModelFileError {
    ModelFileError(.unwritable, "\(path): \(String(cString: strerror(errno)))")
  }

  func append(_ bytes: some Collection<UInt8>) throws(ModelFileError) {
    let outcome: Result<Void, ModelFileError>? = bytes.withContiguousStorageIfAvailable { buffer in
      do throws(ModelFileError) { return .success(try append(UnsafeRawBufferPointer(buffer))) } catch { return .failure(error) }
    }
    guard let outcome else { return try append(Array(bytes)) }
    try outcome.get()
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(ModelFileError) {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let written = Foundation.write(descriptor, start, rest.count)
      guard written > 0 else {
        if written < 0 && errno == EINTR { continue }
        throw Self.failure(path)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}
