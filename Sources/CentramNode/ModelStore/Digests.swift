internal import COpenSSL
internal import Foundation

/// SHA-256 of a file's bytes, and git's SHA-1 of them where that is what the hub gives.
final class Digests {
  private let sha256 = EVP_MD_CTX_new()
  private let git: OpaquePointer?

  /// - Parameter gitSize: the file's size, where a git digest is wanted too: it goes into the header.
  init(gitSize: Int?) {
    EVP_DigestInit_ex(sha256, EVP_sha256(), nil)
    git = gitSize == nil ? nil : EVP_MD_CTX_new()
    if let git, let gitSize {
      EVP_DigestInit_ex(git, EVP_sha1(), nil)
      let header = Array("blob \(gitSize)\0".utf8)
      EVP_DigestUpdate(git, header, header.count)
    }
  }

  deinit {
    EVP_MD_CTX_free(sha256)
    if let git { EVP_MD_CTX_free(git) }
  }

  func add(_ bytes: UnsafeRawBufferPointer) {
    EVP_DigestUpdate(sha256, bytes.baseAddress, bytes.count)
    if let git { EVP_DigestUpdate(git, bytes.baseAddress, bytes.count) }
  }

  /// Hexadecimal digits. Ends the computation.
  func finish() -> (sha256: String, git: String?) { (Self.finish(sha256, 32), git.map { Self.finish($0, 20) }) }

  private static func finish(_ state: OpaquePointer?, _ count: Int) -> String {
    var digest = [UInt8](repeating: 0, count: count)
    EVP_DigestFinal_ex(state, &digest, nil)
    return digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// The digests of a file.
  static func of(_ path: String, gitSize: Int? = nil, progress: (Int) -> Void = { _ in }, isCancelled: () -> Bool) throws(ModelStoreError) -> (sha256: String, git: String?) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path) }
    defer { close(descriptor) }
    let digests = Digests(gitSize: gitSize)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      guard !isCancelled() else { throw ModelStoreError(.cancelled, "cancelled while hashing \(path)") }
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw .system(path) }
      if count == 0 { return digests.finish() }
      digests.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      progress(count)
    }
  }
}
