internal import CHostSystem
internal import CentramArchive
internal import Foundation

/// A file that is written once and is on the disk when `finish` returns.
final class OutputFile {
  let path: String
  private let descriptor: Int32

  init(path: String) throws(GenomePackageError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system(path, missing: .storage) }
  }

  deinit { close(descriptor) }

  func write(_ bytes: UnsafeRawBufferPointer) throws(GenomePackageError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .system(path, missing: .storage) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  func write(_ bytes: [UInt8]) throws(GenomePackageError) {
    let result: Result<Void, GenomePackageError> = bytes.withUnsafeBytes { buffer in
      do throws(GenomePackageError) { return .success(try write(buffer)) } catch { return .failure(error) }
    }
    try result.get()
  }

  func finish() throws(GenomePackageError) {
    guard fsync(descriptor) == 0 else { throw .system(path, missing: .storage) }
  }
}

/// Writes the files of a genome, in the order of their names, as a folder or as a `.genome` file. The output has its name when it is whole.
final class GenomeOutput {
  private let path: String
  private let isArchive: Bool, replaces: Bool
  private let staging: StagingFolder?
  private let temporary: String
  /// The archive, or the folder's file that is being written.
  private var file: OutputFile?
  private var padding = 0

  /// Whether a path asks for one file.
  static func isArchive(_ path: String) -> Bool { path.hasSuffix(".genome") }

  /// - Parameter replaces: whether a file that is there may go; a folder never goes.
  init(path: String, replaces: Bool) throws(GenomePackageError) {
    (self.path, self.replaces, isArchive) = (path, replaces, Self.isArchive(path))
    guard isArchive && replaces || !FileManager.default.fileExists(atPath: path) else {
      throw GenomePackageError(.storage, "\(path) is there already; choose another name\(isArchive ? ", or say --force to replace it" : "")")
    }
    temporary = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).part"
    staging = isArchive ? nil : try Self.output { () throws(MergeError) in try StagingFolder(for: path) { _ in false } }
    if isArchive { file = try OutputFile(path: temporary) }
  }

  deinit { if isArchive { unlink(temporary) } }

  /// Begins the next file, of exactly `size` bytes.
  func begin(_ name: String, size: Int) throws(GenomePackageError) {
    try endFile()
    if let staging { return file = try OutputFile(path: "\(staging.url.path)/\(name)") }
    guard size <= TarHeader.maximumSize else { throw GenomePackageError(.usage, "\(name) has \(size) bytes; a .genome file holds 8 GiB a file; export to a folder") }
    try file?.write(TarHeader.bytes(name: name, size: size))
    padding = TarHeader.padding(size)
  }

  func write(_ piece: UnsafeRawBufferPointer) throws(GenomePackageError) { try file?.write(piece) }
  func write(_ bytes: [UInt8]) throws(GenomePackageError) { try file?.write(bytes) }

  private func endFile() throws(GenomePackageError) {
    guard isArchive else {
      try file?.finish()
      return file = nil
    }
    try file?.write([UInt8](repeating: 0, count: padding))
    padding = 0
  }

  /// Gives the whole its name.
  func publish() throws(GenomePackageError) {
    try endFile()
    if let staging { return try Self.output { () throws(MergeError) in try staging.publish() } }
    try file?.write([UInt8](repeating: 0, count: 2 * TarHeader.blockSize))
    try file?.finish()
    guard replaces ? rename(temporary, path) == 0 : centram_rename_new(temporary, path) == 0 else { throw .system(path, missing: .storage) }
    let folder = (URL(fileURLWithPath: path).path as NSString).deletingLastPathComponent
    try Self.output { () throws(MergeError) in try DurableFolder(folder: folder).synchronize() }
  }

  private static func output<Value>(_ body: () throws(MergeError) -> Value) throws(GenomePackageError) -> Value {
    do throws(MergeError) { return try body() } catch { throw GenomePackageError(.storage, error.message) }
  }
}
