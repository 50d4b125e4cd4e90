public import CentramHost
internal import CSodium
internal import Foundation

/// Ed25519 public keys as people hand them on.
public enum PublicKeyText {
  /// 44 letters of base64.
  public static func encode(_ key: [UInt8]) -> String { Data(key).base64EncodedString() }

  /// Reads 32 bytes in base64, as configuration and trust files have them, or in hexadecimal digits.
  /// - Throws: `invalid` where they are no key of this curve.
  public static func decode(_ text: String) throws(HostError) -> [UInt8] {
    guard let bytes = Data(base64Encoded: text).map(Array.init).flatMap({ $0.count == 32 ? $0 : nil }) ?? hexadecimal(text) else {
      throw HostError(.invalid, "\"\(text.prefix(80))\" is no Ed25519 public key: 32 bytes in base64 or in 64 hexadecimal digits")
    }
    guard sodium_init() >= 0, crypto_core_ed25519_is_valid_point(bytes) == 1 else {
      throw HostError(.invalid, "\"\(text.prefix(80))\" is no point of Ed25519's group that can be a public key")
    }
    return bytes
  }

  /// Reads a key as `decode` does, or the PEM file that a path names.
  public static func read(_ textOrPath: String) throws(HostError) -> [UInt8] {
    guard let bytes = try? OpenFile.read(textOrPath, limit: PEM.sizeLimit) else { return try decode(textOrPath) }
    guard let key = PEM.content("PUBLIC KEY", of: bytes).flatMap({ PEM.drop(PEM.publicKeyHead, from: $0) }) else {
      throw HostError(.invalid, "\(textOrPath) holds no Ed25519 public key in PEM; make one with: openssl pkey -in KEY -pubout")
    }
    return try decode(encode(key))
  }

  private static func hexadecimal(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard digits[index] < 128, digits[index + 1] < 128, let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16),
        digits[index] != UInt8(ascii: "+")
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}

/// Ed25519 keys in PEM (RFC 7468): the DER around them is always the same (RFC 8410).
enum PEM {
  static let sizeLimit = 16 << 10
  static let secretKeyHead: [UInt8] = [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
  static let publicKeyHead: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]

  /// The bytes between the lines `BEGIN label` and `END label`; nil where there are none.
  static func content(_ label: String, of bytes: [UInt8]) -> [UInt8]? {
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    guard let start = lines.firstIndex(of: "-----BEGIN \(label)-----"), let end = lines[start...].firstIndex(of: "-----END \(label)-----") else { return nil }
    return Data(base64Encoded: lines[(start + 1)..<end].joined()).map(Array.init)
  }

  static func text(_ label: String, _ content: [UInt8]) -> String {
    "-----BEGIN \(label)-----\n\(Data(content).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed]))\n-----END \(label)-----\n"
  }

  /// The 32 bytes behind a head, which must be all there is.
  static func drop(_ head: [UInt8], from content: [UInt8]) -> [UInt8]? {
    content.count == head.count + 32 && content.starts(with: head) ? Array(content.dropFirst(head.count)) : nil
  }
}
