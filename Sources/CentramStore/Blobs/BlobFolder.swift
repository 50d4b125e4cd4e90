internal import CentramGenome
internal import Foundation

/// Files under the SHA-256 of their bytes, `ab/cdef…`. Whoever reads one gets the bytes of that hash or an error.
struct BlobFolder: Sendable {
  let folder: String
  /// For files that grow; on the same file system.
  let temporary: String

  static let pieceSize = 1 << 20

  func subfolder(_ hash: String) -> String { "\(folder)/\(hash.prefix(2))" }
  func path(_ hash: String) -> String { "\(subfolder(hash))/\(hash.dropFirst(2))" }

  /// Size of the file; nil where there is none.
  func size(_ hash: String) -> Int? {
    var status = stat()
    guard stat(path(hash), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Lends the bytes piece by piece and compares their hash at the end; what `body` made of them counts only when this returns.
  /// - Throws: `.notFound`, `.damaged`.
  func read(_ hash: String, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void) throws(StoreError) {
    let path = path(hash)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw StoreError(.notFound, "\(path): the file is not there; fetch or import the genome again") }
      throw .system(path)
    }
    defer { close(descriptor) }
    var digest = SHA256()
    try Self.pieces(of: descriptor, path) { (piece) throws(StoreError) in
      digest.add(piece)
      try body(piece)
    }
    let found = Hexadecimal.text(digest.finish())
    guard found == hash else { throw StoreError(.damaged, "\(path): its bytes have the hash \(found), not \(hash); fetch or import the genome again") }
  }

  static func pieces(of descriptor: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void) throws(StoreError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .system(path) }
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// All hashes that have a file, by name.
  func hashes() -> [String] {
    Self.names(folder).filter { $0.utf8.count == 2 }.flatMap { first in Self.names("\(folder)/\(first)").map { first + $0 } }.filter(Hexadecimal.isDigest)
  }

  static func names(_ folder: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }
}
