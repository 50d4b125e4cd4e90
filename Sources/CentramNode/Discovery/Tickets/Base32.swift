/// RFC 4648 base32 in lower case, without padding: no two letters that look alike but for l and 1, safe to select with a double click, and whole in
/// any chat program.
enum Base32 {
  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 8 + 4) / 5)
    var buffer: UInt32 = 0, bits: UInt32 = 0
    for byte in bytes {
      (buffer, bits) = (buffer << 8 | UInt32(byte), bits + 8)
      while bits >= 5 {
        bits -= 5
        text.append(alphabet[Int(buffer >> bits & 31)])
      }
      buffer &= 0xFF
    }
    if bits > 0 { text.append(alphabet[Int(buffer << (5 - bits) & 31)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// The value of a letter in either case, or nil.
  static func value(_ letter: UInt8) -> UInt8? {
    switch letter {
    case 97...122: letter - 97
    case 65...90: letter - 65
    case 50...55: letter - 50 + 26
    default: nil
    }
  }

  /// Nil unless the values are what `encode` gives for some bytes: the bits that are left over must be zero.
  static func decode(_ values: [UInt8]) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 5 / 8)
    var buffer: UInt32 = 0, bits: UInt32 = 0
    for value in values {
      (buffer, bits) = (buffer << 5 | UInt32(value), bits + 5)
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
        buffer &= (1 << bits) - 1
      }
    }
    return bits < 5 && buffer == 0 ? bytes : nil
  }
}
