internal import Foundation

/// A file that grows under a temporary name, and takes its own at once when it is whole and on the disk.
///
/// The temporary file is locked while its writer lives, so that a collection can tell what a killed process left behind.
final class DurableFile {
  let temporary: String
  private var descriptor: Int32 = -1
  private(set) var size = 0
  private var isPlaced = false

  /// - Parameter folder: for temporary files, on the file system of the final one.
  init(in folder: String) throws(StoreError) {
    temporary = "\(folder)/\(getpid())-\(UInt64.random(in: 0 ... .max))"
    // A collection may lock and remove the file between its making and its locking; then it is made again.
    repeat {
      if descriptor >= 0 { close(descriptor) }
      descriptor = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw .system(temporary) }
      flock(descriptor, LOCK_EX)
    } while Self.links(descriptor) == 0
  }

  deinit {
    if !isPlaced { unlink(temporary) }
    close(descriptor)
  }

  private static func links(_ descriptor: Int32) -> Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_nlink) : 0
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .system(temporary) }
      size += count
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  func synchronize() throws(StoreError) {
    guard fsync(descriptor) == 0 else { throw .system(temporary) }
  }

  /// Gives the file its name; durable when it returns. `synchronize` goes before.
  /// - Parameter folder: of `path`; made where it is missing.
  func place(at path: String, in folder: String) throws(StoreError) {
    try Self.place(temporary, at: path, in: folder)
    isPlaced = true
  }

  static func place(_ temporary: String, at path: String, in folder: String) throws(StoreError) {
    if mkdir(folder, 0o755) == 0 {
      try synchronize(folder: (folder as NSString).deletingLastPathComponent)
    } else if errno != EEXIST {
      throw .system(folder)
    }
    guard rename(temporary, path) == 0 else { throw .system(path) }
    try synchronize(folder: folder)
  }

  static func synchronize(folder: String) throws(StoreError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(folder) }
  }

  /// Removes a temporary file that no living process writes.
  /// - Returns: whether it did.
  static func removeAbandoned(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
    return unlink(path) == 0
  }
}
