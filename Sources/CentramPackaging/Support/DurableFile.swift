internal import CHostSystem
internal import CentramHost
internal import Foundation

/// Files that are whole and on the disk when they have their name.
enum DurableFile {
  /// Writes a file beside its place and gives it the name at once.
  /// - Parameter replaces: whether a file of this name may go.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t, replaces: Bool) throws(HostError) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw HostError(.inputOutput, "\(folder): \(error.localizedDescription)")
    }
    let temporary = "\(folder)/.\(URL(fileURLWithPath: path).lastPathComponent.prefix(128)).\(UUID().uuidString)"
    defer { unlink(temporary) }
    try write(bytes, toNew: temporary, mode: mode)
    guard replaces ? rename(temporary, path) == 0 : centram_rename_new(temporary, path) == 0 else {
      throw errno == EEXIST ? HostError(.inputOutput, "\(path) is there already; choose another name, or take it away first") : .system(path)
    }
    try synchronize(folder)
  }

  /// Writes a file where none is; nobody knows its name yet.
  static func write(_ bytes: [UInt8], toNew path: String, mode: mode_t) throws(HostError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw .system(path) }
    defer { close(descriptor) }
    guard bytes.withUnsafeBytes({ append($0, to: descriptor) }), fsync(descriptor) == 0 else { throw .system(path) }
  }

  /// Writes all of what is lent; false, with `errno`, where the system does not take it.
  static func append(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    return true
  }

  /// Makes the names in a folder durable.
  static func synchronize(_ folder: String) throws(HostError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(folder) }
  }
}

/// Keeps other processes from changing the same files; ends with the process at the latest.
final class FileLock {
  private let descriptor: Int32

  /// Waits for the lock.
  /// - Parameter path: of a file that is there for this alone.
  init(_ path: String) throws(HostError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(path) }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        close(descriptor)
        throw .system(path)
      }
    }
  }

  deinit { close(descriptor) }
}

extension HostError {
  /// What the system says of a path.
  static func system(_ path: String) -> HostError { HostError(.inputOutput, "\(path): \(String(cString: strerror(errno)))") }
}
