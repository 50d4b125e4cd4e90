internal import COpenSSL

/// SHA-256 of bytes that come in pieces.
final class SHA256Stream {
  private let state = EVP_MD_CTX_new()

  init() { EVP_DigestInit_ex(state, EVP_sha256(), nil) }
  deinit { EVP_MD_CTX_free(state) }

  func add(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(state, bytes.baseAddress, bytes.count) }

  /// Lower-case hexadecimal digits. Ends the computation.
  func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    EVP_DigestFinal_ex(state, &digest, nil)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  static func hex(of bytes: [UInt8]) -> String {
    let stream = SHA256Stream()
    bytes.withUnsafeBytes { stream.add($0) }
    return stream.finish()
  }
}

/// Whether a text is the hexadecimal form of 32 bytes, as hashes and keys are kept.
func isHexadecimal32(_ text: String) -> Bool {
  text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
}
