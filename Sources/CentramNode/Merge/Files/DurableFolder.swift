internal import Foundation

/// Writes files into a folder, each on the disk before the call returns, every error reported.
struct DurableFolder: Sendable {
  let folder: String

  private func path(_ name: String) -> String { FolderFiles(folder: folder).path(name) }

  func write(_ bytes: [UInt8], as name: String) throws(MergeError) {
    try create(name) { descriptor throws(MergeError) in
      try bytes.withUnsafeBufferPointer { buffer throws(MergeError) in try put(UnsafeRawBufferPointer(buffer), to: descriptor, name) }
    }
  }

  func write(_ text: String, as name: String) throws(MergeError) { try write(Array(text.utf8), as: name) }

  func write(_ value: OrderedJSON, as name: String) throws(MergeError) { try write(value.serialized(), as: name) }

  /// Copies a file's bytes; a link is followed.
  func copy(_ name: String, from source: FolderFiles) throws(MergeError) {
    let origin = source.path(name)
    let input = open(origin, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw MergeError(.input, "\(origin): \(String(cString: strerror(errno)))") }
    defer { close(input) }
    try create(name) { descriptor throws(MergeError) in
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
      defer { buffer.deallocate() }
      while true {
        let got = read(input, buffer.baseAddress, buffer.count)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else { throw MergeError(.input, "\(origin): \(String(cString: strerror(errno)))") }
        if got == 0 { return }
        try put(UnsafeRawBufferPointer(rebasing: buffer[..<got]), to: descriptor, name)
      }
    }
  }

  /// Makes the names of all files durable.
  func synchronize() throws(MergeError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(folder) }
  }

  /// Name and size of each regular file, by name.
  func list() throws(MergeError) -> [(name: String, bytes: Int)] {
    guard let directory = opendir(folder) else { throw failure(folder) }
    defer { closedir(directory) }
    var files: [(name: String, bytes: Int)] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      guard lstat(path(name), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      files.append((name, Int(status.st_size)))
    }
    return files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private func failure(_ path: String) -> MergeError {
    MergeError(.output, "cannot write \(path): \(String(cString: strerror(errno)))")
  }

  private func create(_ name: String, _ body: (Int32) throws(MergeError) -> Void) throws(MergeError) {
    let descriptor = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path(name)) }
    do throws(MergeError) {
      try body(descriptor)
      guard fsync(descriptor) == 0 else { throw failure(path(name)) }
    } catch {
      close(descriptor)
      throw error
    }
    guard close(descriptor) == 0 else { throw failure(path(name)) }
  }

  private func put(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ name: String) throws(MergeError) {
    var start = 0
    while start < bytes.count {
      let done = Foundation.write(descriptor, bytes.baseAddress! + start, bytes.count - start)
      if done < 0 && errno == EINTR { continue }
      guard done > 0 else { throw failure(path(name)) }
      start += done
    }
  }
}
