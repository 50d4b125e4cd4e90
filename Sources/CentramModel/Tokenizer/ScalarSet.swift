/// A set of characters, as a class of a regular expression names it.
struct ScalarSet: Sendable {
  enum Item: Sendable {
    case range(ClosedRange<UInt32>)
    /// General categories, a bit each.
    case categories(UInt32, negated: Bool)
    case space(negated: Bool)
    /// Oniguruma's `\w`: alphabetic characters, marks, numbers and connecting punctuation.
    case word(negated: Bool)
    case set(ScalarSet)
  }

  private let items: [Item]
  private let isNegated: Bool
  /// Sets that must hold a character too (`&&`).
  private let intersections: [ScalarSet]
  private var ascii: (UInt64, UInt64) = (0, 0)

  init(_ items: [Item], negated: Bool = false, intersections: [ScalarSet] = []) {
    (self.items, isNegated, self.intersections) = (items, negated, intersections)
    var bits: (UInt64, UInt64) = (0, 0)
    for value in 0..<64 as Range<UInt32> where holds(value) { bits.0 |= 1 << UInt64(value) }
    for value in 64..<128 as Range<UInt32> where holds(value) { bits.1 |= 1 << UInt64(value - 64) }
    ascii = bits
  }

  func contains(_ value: UInt32) -> Bool {
    if value < 64 { return ascii.0 >> UInt64(value) & 1 == 1 }
    if value < 128 { return ascii.1 >> UInt64(value - 64) & 1 == 1 }
    return holds(value)
  }

  private func holds(_ value: UInt32) -> Bool {
    let found = items.contains { item in
      switch item {
      case .range(let range): range.contains(value)
      case .categories(let mask, let negated): (mask >> Self.category(value) & 1 == 1) != negated
      case .space(let negated): CharacterClass.isSpace(value) != negated
      case .word(let negated): Self.isWord(value) != negated
      case .set(let set): set.contains(value)
      }
    }
    return (found && intersections.allSatisfy { $0.contains(value) }) != isNegated
  }

  private static let order: [Unicode.GeneralCategory] = [
    .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber,
    .letterNumber, .otherNumber, .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
    .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator, .lineSeparator, .paragraphSeparator, .control, .format,
    .surrogate, .privateUse, .unassigned,
  ]
  private static let names = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc",
    "Cf", "Cs", "Co", "Cn",
  ]

  private static let wordMask = ["L", "M", "N", "Pc"].reduce(0) { $0 | (mask($1) ?? 0) }

  private static func isWord(_ value: UInt32) -> Bool {
    let category = category(value)
    if wordMask >> category & 1 == 1 { return true }
    return category != 29 && Unicode.Scalar(value)?.properties.isAlphabetic == true
  }

  private static func category(_ value: UInt32) -> UInt32 {
    UInt32(order.firstIndex(of: CharacterClass.category(value)) ?? 27)
  }

  /// The bits of `L`, `Lu`, `N` and so on; nil for what is no general category.
  static func mask(_ name: String) -> UInt32? {
    guard !name.isEmpty, name.utf8.count <= 2 else { return nil }
    let mask = names.enumerated().reduce(UInt32(0)) { $1.element.hasPrefix(name) ? $0 | 1 << UInt32($1.offset) : $0 }
    return mask == 0 ? nil : mask
  }
}
