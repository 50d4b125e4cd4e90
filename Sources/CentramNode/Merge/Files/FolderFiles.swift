internal import Foundation

/// Reads the small files of a model's folder.
struct FolderFiles: Sendable {
  /// Vocabularies of a quarter of a million tokens take 35 MB.
  static let maximumSize = 256 << 20

  let folder: String

  func path(_ name: String) -> String { folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)" }

  func exists(_ name: String) -> Bool {
    var status = stat()
    return stat(path(name), &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// The whole file, or nil where there is none.
  func read(_ name: String) throws(MergeError) -> [UInt8]? {
    let path = path(name)
    func failure() -> MergeError { MergeError(.input, "\(path): \(String(cString: strerror(errno)))") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure()
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure() }
    guard status.st_mode & S_IFMT == S_IFREG else { throw MergeError(.input, "\(path): not a regular file") }
    guard status.st_size <= Self.maximumSize else {
      throw MergeError(.input, "\(path): \(status.st_size) bytes; the limit is \(Self.maximumSize)")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size)), end = 0
    while end < bytes.count {
      let got = bytes.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress! + end, $0.count - end) }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw failure() }
      guard got > 0 else { throw MergeError(.input, "\(path): the file became shorter while it was read") }
      end += got
    }
    return bytes
  }

  /// The file as JSON, or nil where there is none.
  func json(_ name: String) throws(MergeError) -> OrderedJSON? {
    guard let bytes = try read(name) else { return nil }
    do throws(OrderedJSON.Failure) {
      return try OrderedJSON(parsing: bytes)
    } catch {
      throw MergeError(.input, "\(path(name)): not JSON at byte \(error.position): \(error.message)")
    }
  }

  func jsonObject(_ name: String) throws(MergeError) -> OrderedJSON.Object? {
    guard let value = try json(name) else { return nil }
    guard let object = value.object else { throw MergeError(.input, "\(path(name)): not a JSON object") }
    return object
  }
}
