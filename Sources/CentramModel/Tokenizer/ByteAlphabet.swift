/// The alphabet in which byte-level tokenizers write bytes: a printable character for each of the 256. GPT-2's
/// `bytes_to_unicode`: what Latin-1 prints stands for itself, the other 68 bytes take U+0100 and up in their order.
enum ByteAlphabet {
  static func isPrinted(_ byte: UInt8) -> Bool { (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || byte >= 0xae }

  /// The scalar of each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0...255).map { (byte: UInt8) in
      if isPrinted(byte) { return UInt32(byte) }
      defer { next += 1 }
      return next
    }
  }()

  /// The byte of each scalar below U+0144; -1 where a scalar stands for none.
  static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
    return table
  }()

  /// A token's text as bytes. A text with a character that is not of the alphabet stands for its own UTF-8 (an added token's).
  /// - Parameter text: valid UTF-8.
  static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let (scalar, length) = UTF8Text.scalar(text, position)
      guard scalar < 0x144, bytes[Int(scalar)] >= 0 else { return [UInt8](text) }
      result.append(UInt8(bytes[Int(scalar)]))
      position += length
    }
    return result
  }

  /// Bytes, written in the alphabet, as UTF-8.
  static func encode(_ raw: UnsafeRawBufferPointer, into text: inout [UInt8]) {
    for byte in raw {
      if byte < 0x80, isPrinted(byte) {
        text.append(byte)
      } else {
        let scalar = scalars[Int(byte)]
        text.append(UInt8(0xc0 | scalar >> 6))
        text.append(UInt8(0x80 | scalar & 0x3f))
      }
    }
  }
}
