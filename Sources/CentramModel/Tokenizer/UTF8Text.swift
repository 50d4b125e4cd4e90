/// Reads scalars from UTF-8 in place.
enum UTF8Text {
  /// The scalar at a position and its length. The bytes must be valid and the position a scalar's first byte.
  @inline(__always)
  static func scalar(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> (value: UInt32, length: Int) {
    let first = UInt32(bytes[position])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(bytes[position + 1]) & 0x3f
    if first < 0xe0 { return ((first & 0x1f) << 6 | second, 2) }
    let third = UInt32(bytes[position + 2]) & 0x3f
    if first < 0xf0 { return ((first & 0x0f) << 12 | second << 6 | third, 3) }
    return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(bytes[position + 3]) & 0x3f, 4)
  }

  /// Where the scalar before a position starts. The position must be above 0.
  static func start(before position: Int, _ bytes: UnsafeRawBufferPointer) -> Int {
    var start = position - 1
    while start > 0, bytes[start] & 0xc0 == 0x80 { start -= 1 }
    return start
  }

  /// Whether the bytes are UTF-8: shortest forms, no surrogates, nothing above U+10FFFF.
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while position < bytes.count {
      let first = bytes[position]
      position += 1
      if first < 0x80 { continue }
      let more: Int, second: ClosedRange<UInt8>
      switch first {
      case 0xc2...0xdf: (more, second) = (1, 0x80...0xbf)
      case 0xe0: (more, second) = (2, 0xa0...0xbf)
      case 0xed: (more, second) = (2, 0x80...0x9f)
      case 0xe1...0xef: (more, second) = (2, 0x80...0xbf)
      case 0xf0: (more, second) = (3, 0x90...0xbf)
      case 0xf1...0xf3: (more, second) = (3, 0x80...0xbf)
      case 0xf4: (more, second) = (3, 0x80...0x8f)
      default: return false
      }
      guard bytes.count - position >= more, second.contains(bytes[position]) else { return false }
      for index in 1..<max(more, 1) where index < more && bytes[position + index] & 0xc0 != 0x80 { return false }
      position += more
    }
    return true
  }
}
