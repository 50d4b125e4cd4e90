/// What the splits of tokenizers ask of a character, by Unicode's general categories and its property White_Space.
enum CharacterClass {
  /// \p{L}
  case letter
  /// \p{N}
  case number
  /// \s
  case space
  case other

  @inline(__always)
  static func of(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> (kind: CharacterClass, length: Int) {
    let byte = bytes[position]
    guard byte < 0x80 else {
      let (value, length) = UTF8Text.scalar(bytes, position)
      return (of(value), length)
    }
    switch byte {
    case 0x61...0x7a, 0x41...0x5a: return (.letter, 1)
    case 0x20, 0x09...0x0d: return (.space, 1)
    case 0x30...0x39: return (.number, 1)
    default: return (.other, 1)
    }
  }

  static func of(_ value: UInt32) -> CharacterClass {
    switch value {
    // Kana, Han and Hangul without a look into the tables.
    case 0x3041...0x3096, 0x4e00...0x9fff, 0xac00...0xd7a3: return .letter
    default: break
    }
    switch category(value) {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letter
    case .decimalNumber, .letterNumber, .otherNumber: return .number
    default: return isSpace(value) ? .space : .other
    }
  }

  /// The version of Unicode, so that a newer standard library does not change a model's tokens. tokenizers 0.23 has this one.
  static let unicodeVersion = 16

  /// The general category; characters that came after `unicodeVersion` are unassigned.
  static func category(_ value: UInt32) -> Unicode.GeneralCategory {
    guard let properties = Unicode.Scalar(value)?.properties else { return .surrogate }
    let category = properties.generalCategory
    // Everything of the newer versions is at U+0800 or above.
    guard value >= 0x800, category != .unassigned, let age = properties.age else { return category }
    return age.major > unicodeVersion ? .unassigned : category
  }

  /// White_Space of the Unicode character database; it has not grown since version 6.3.
  static func isSpace(_ value: UInt32) -> Bool {
    switch value {
    case 0x09...0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }
}
