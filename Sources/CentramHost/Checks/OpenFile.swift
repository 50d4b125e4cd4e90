internal import Glibc

/// A regular file, open for reading, no larger than a limit.
public final class OpenFile {
  private let path: String
  private let descriptor: Int32
  private let limit: Int

  /// - Parameter isOwn: whether it must be the folder's own and no symbolic link to elsewhere.
  init(_ path: String, limit: Int, isOwn: Bool = false) throws(HostError) {
    (self.path, self.limit) = (path, limit)
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (isOwn ? O_NOFOLLOW : 0))
    guard descriptor >= 0 else {
      let isLink = isOwn && errno == ELOOP
      throw HostError(.inputOutput, isLink ? "\(path) is a symbolic link; a plugin's files lie in its own folder" : "\(path): \(systemError())")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw HostError(.inputOutput, "\(path) is not a file") }
  }

  /// Calls `body` with pieces of the file in order; the bytes are lent.
  /// - Throws: `inputOutput` as soon as more than the limit was read.
  func forEachChunk(_ body: (UnsafeRawBufferPointer) throws(HostError) -> Void) throws(HostError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(limit + 1, 1 << 16), alignment: 16)
    defer { buffer.deallocate() }
    var total = 0
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      guard count >= 0 else { throw HostError(.inputOutput, "\(path): \(systemError())") }
      if count == 0 { return }
      total += count
      guard total <= limit else { throw HostError(.inputOutput, "\(path) is larger than the limit of \(limit) bytes") }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// A whole file.
  public static func read(_ path: String, limit: Int, isOwn: Bool = false) throws(HostError) -> [UInt8] {
    var bytes: [UInt8] = []
    try OpenFile(path, limit: limit, isOwn: isOwn).forEachChunk { bytes.append(contentsOf: $0) }
    return bytes
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
  /// A link that leads nowhere counts too.
  static func isThere(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }
}

func systemError() -> String { String(cString: strerror(errno)) }

extension String {
  var lastPathComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
