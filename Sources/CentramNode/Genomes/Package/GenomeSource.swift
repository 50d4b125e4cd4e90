internal import CentramArchive
internal import Foundation

/// Where the files of a genome are read from: a folder, or a `.genome` file.
final class GenomeSource {
  private typealias Entry = TarReader.Entry

  let path: String
  let isArchive: Bool
  private let archive: Int32
  private let entries: [String: Entry]

  /// - Throws: `.notFound`, `.malformed` for an archive that is none.
  init(path: String) throws(GenomePackageError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path) }
    do throws(GenomePackageError) {
      let found = try Self.entries(descriptor, path)
      (self.path, archive, isArchive, entries) = (path, descriptor, found != nil, found ?? [:])
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Those of an archive; nil for a folder.
  private static func entries(_ descriptor: Int32, _ path: String) throws(GenomePackageError) -> [String: Entry]? {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(path) }
    if status.st_mode & S_IFMT == S_IFDIR { return nil }
    guard status.st_mode & S_IFMT == S_IFREG else { throw GenomePackageError(.malformed, "\(path): neither a folder nor a regular file") }
    var entries: [String: Entry] = [:]
    do throws(TarError) {
      for entry in try TarReader(descriptor: descriptor, size: Int(status.st_size), noun: "genome").entries() { entries[entry.name] = entry }
    } catch {
      throw GenomePackageError(.malformed, "\(path): not a genome: \(error.message)")
    }
    return entries
  }

  deinit { close(archive) }

  /// The names in an archive. What else a folder holds is nobody's business.
  var archiveNames: Set<String> { Set(entries.keys) }

  /// Bytes of a file; nil where there is none.
  func size(_ name: String) throws(GenomePackageError) -> Int? {
    if isArchive { return entries[name]?.size }
    var status = stat()
    guard fstatat(archive, name, &status, 0) == 0 else {
      if errno == ENOENT { return nil }
      throw .system("\(path)/\(name)")
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw GenomePackageError(.malformed, "\(path)/\(name): not a regular file") }
    return Int(status.st_size)
  }

  /// Lends exactly `size` bytes of a file, piece by piece.
  /// - Throws: `.tampered` where it became shorter.
  func read(_ name: String, size: Int, piece: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) throws(GenomePackageError) -> Void) throws(GenomePackageError) {
    var offset = 0, descriptor = archive
    if isArchive {
      guard let entry = entries[name] else { throw GenomePackageError(.malformed, "\(path): \(name) is missing") }
      offset = entry.offset
    } else {
      descriptor = openat(archive, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { throw .system("\(path)/\(name)", missing: .malformed) }
    }
    defer { if descriptor != archive { close(descriptor) } }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, min(piece, size)), alignment: 64)
    defer { buffer.deallocate() }
    var left = size
    while left > 0 {
      var filled = 0
      let wanted = min(left, buffer.count)
      while filled < wanted {
        let count = pread(descriptor, buffer.baseAddress! + filled, wanted - filled, off_t(offset + filled))
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw .system("\(path)/\(name)") }
        guard count > 0 else { throw GenomePackageError(.tampered, "\(path): \(name) became shorter while it was read") }
        filled += count
      }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
      (left, offset) = (left - filled, offset + filled)
    }
  }

  /// A file's bytes, mapped, and what keeps them so.
  func mapped(_ name: String) throws(GenomePackageError) -> (bytes: UnsafeRawBufferPointer, mapping: MappedFile) {
    guard let size = try size(name) else { throw GenomePackageError(.malformed, "\(path): \(name) is missing, so it is no genome") }
    if isArchive {
      let mapping = try MappedFile(archive, path), start = entries[name]?.offset ?? 0
      guard start + size <= mapping.bytes.count else { throw GenomePackageError(.tampered, "\(path) became shorter while it was read") }
      return (UnsafeRawBufferPointer(rebasing: mapping.bytes[start..<start + size]), mapping)
    }
    let descriptor = openat(archive, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system("\(path)/\(name)", missing: .malformed) }
    defer { close(descriptor) }
    let mapping = try MappedFile(descriptor, "\(path)/\(name)")
    return (mapping.bytes, mapping)
  }

  func bytes(_ name: String, atMost limit: Int) throws(GenomePackageError) -> [UInt8] {
    guard let size = try size(name) else { throw GenomePackageError(.malformed, "\(path): \(name) is missing, so it is no genome") }
    guard size <= limit else { throw GenomePackageError(.malformed, "\(path): \(name) has \(size) bytes; \(limit) are allowed") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    try read(name, size: size) { (piece) throws(GenomePackageError) in bytes.append(contentsOf: piece) }
    return bytes
  }
}
