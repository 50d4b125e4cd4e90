/// Reads the regular expressions of tokenizers: characters, escapes, classes with general categories, groups without captures, alternatives,
/// repetitions, look-ahead, and letters of any case. Anything else is refused by name.
struct SplitPatternParser {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var depth = 0
  private var ignoresCase = false
  private(set) var sets: [ScalarSet] = []

  init(_ pattern: String) throws(SplitPatternFailure) {
    guard pattern.utf8.count <= SplitPattern.maximumLength else {
      throw SplitPatternFailure("it is \(pattern.utf8.count) bytes long; \(SplitPattern.maximumLength) is the limit")
    }
    scalars = Array(pattern.unicodeScalars)
  }

  private func failure(_ message: String) -> SplitPatternFailure { SplitPatternFailure("\(message) at character \(position)") }

  private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  private mutating func take(_ text: String) -> Bool {
    guard scalars[position...].starts(with: text.unicodeScalars) else { return false }
    position += text.unicodeScalars.count
    return true
  }

  /// All of the text.
  mutating func pattern() throws(SplitPatternFailure) -> SplitPatternNode {
    let node = try alternatives()
    guard next == nil else { throw failure("a ) too many") }
    return node
  }

  private mutating func alternatives() throws(SplitPatternFailure) -> SplitPatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= SplitPattern.maximumDepth else { throw failure("more than \(SplitPattern.maximumDepth) levels of groups") }
    var list = [try sequence()]
    while take("|") { list.append(try sequence()) }
    return list.count == 1 ? list[0] : .alternatives(list)
  }

  private mutating func sequence() throws(SplitPatternFailure) -> SplitPatternNode {
    var list: [SplitPatternNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      let node = try atom()
      list.append(try repeated(node))
    }
    return .sequence(list)
  }

  private mutating func atom() throws(SplitPatternFailure) -> SplitPatternNode {
    guard let scalar = next else { throw failure("the end") }
    switch scalar {
    case "(": return try group()
    case "[": return .set(add(try characterClass()))
    case "*", "+", "?": throw failure("nothing to repeat")
    case "^", "$", ".", "\\": break
    default:
      position += 1
      return .set(add(try single(scalar)))
    }
    position += 1
    switch scalar {
    case "^": return .lineStart
    case "$": return .lineEnd
    case ".": return .set(add(ScalarSet([.range(0x0a...0x0a)], negated: true)))
    default: return .set(add(ScalarSet(try escape())))
    }
  }

  private mutating func add(_ set: ScalarSet) -> Int {
    sets.append(set)
    return sets.count - 1
  }

  private func single(_ scalar: Unicode.Scalar) throws(SplitPatternFailure) -> ScalarSet { ScalarSet(try folded(scalar.value...scalar.value)) }

  private mutating func group() throws(SplitPatternFailure) -> SplitPatternNode {
    position += 1
    let outer = ignoresCase
    defer { ignoresCase = outer }
    var look: Bool?
    if take("?") {
      if take("i:") {
        ignoresCase = true
      } else if take("=") {
        look = true
      } else if take("!") {
        look = false
      } else if !take(":") {
        throw failure("the group (?\(next.map(String.init) ?? "") is not supported")
      }
    }
    let inner = try alternatives()
    guard take(")") else { throw failure("a ( without its )") }
    return look.map { .look(inner, positive: $0) } ?? inner
  }

  private mutating func repeated(_ node: SplitPatternNode) throws(SplitPatternFailure) -> SplitPatternNode {
    let least: Int, most: Int?
    var isInterval = false
    switch next {
    case "*": (least, most) = (0, nil)
    case "+": (least, most) = (1, nil)
    case "?": (least, most) = (0, 1)
    case "{":
      guard let interval = try interval() else { return node }
      (least, most) = interval
      isInterval = true
      position -= 1
    default: return node
    }
    position += 1
    if case .look = node { throw failure("a look-ahead that is repeated") }
    var kind = SplitPatternNode.Kind.greedy
    if take("?") {
      kind = .lazy
    } else if take("+") {
      // Oniguruma reads X{1,3}+ as a repetition of X{1,3}; other libraries as a possessive one.
      guard !isInterval else { throw failure("a + behind an interval") }
      kind = .possessive
    }
    if let next, "*+?".unicodeScalars.contains(next) { throw failure("a repetition of a repetition") }
    return .loop(node, least: least, most: most, kind)
  }

  /// `{3}`, `{1,3}`, `{1,}` or `{,3}`; nil where the brace is a character.
  private mutating func interval() throws(SplitPatternFailure) -> (Int, Int?)? {
    guard let close = scalars[position...].firstIndex(of: "}") else { throw failure("a { without its }") }
    let text = String(String.UnicodeScalarView(scalars[(position + 1)..<close]))
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }), parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } && $0.utf8.count < 5 })
    else { throw failure("the interval {\(text.prefix(20))} is not supported") }
    let least = Int(parts[0]) ?? 0
    let most = parts.count == 1 ? least : Int(parts[1])
    guard most.map({ $0 >= least && $0 > 0 }) ?? true else { throw failure("the interval {\(text)} is empty") }
    position = close + 1
    return (least, most)
  }
}

// MARK: - Characters

extension SplitPatternParser {
  /// `[…]`, with ranges, escapes, classes in classes and intersections.
  private mutating func characterClass() throws(SplitPatternFailure) -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth <= SplitPattern.maximumDepth else { throw failure("more than \(SplitPattern.maximumDepth) levels of classes") }
    position += 1
    let negated = take("^")
    var items: [ScalarSet.Item] = []
    var intersections: [ScalarSet] = []
    while let scalar = next, scalar != "]" {
      if take("&&") {
        intersections.append(ScalarSet(items))
        items = []
        continue
      }
      if scalar == "[" {
        if scalars[position...].starts(with: "[:".unicodeScalars) { throw failure("a class in [: :] is not supported") }
        items.append(.set(try characterClass()))
        continue
      }
      position += 1
      let first = scalar == "\\" ? try escape() : try folded(scalar.value...scalar.value)
      guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
        items += first
        continue
      }
      position += 1
      guard let low = first.first?.single, let scalar = next else { throw failure("a range of a class") }
      position += 1
      let high = scalar == "\\" ? try escape().first?.single : scalar == "[" ? nil : scalar.value
      guard let high, high >= low else { throw failure("a range that ends before it starts") }
      items += try folded(low...high)
    }
    guard take("]") else { throw failure("a [ without its ]") }
    guard !items.isEmpty else { throw failure("an empty class") }
    return ScalarSet(items, negated: negated, intersections: intersections)
  }

  /// What a backslash, which is read already, and the following mean.
  private mutating func escape() throws(SplitPatternFailure) -> [ScalarSet.Item] {
    guard let scalar = next else { throw failure("a backslash at the end") }
    position += 1
    func character(_ value: UInt32) -> [ScalarSet.Item] { [.range(value...value)] }
    switch scalar {
    case "r": return character(0x0d)
    case "n": return character(0x0a)
    case "t": return character(0x09)
    case "f": return character(0x0c)
    case "v": return character(0x0b)
    case "s", "S": return [.space(negated: scalar == "S")]
    case "d", "D": return [.categories(ScalarSet.mask("Nd") ?? 0, negated: scalar == "D")]
    case "w", "W": return [.word(negated: scalar == "W")]
    case "p", "P": return [try property(negated: scalar == "P")]
    case "x": return character(try hexadecimal(digits: 2))
    case "u": return character(try hexadecimal(digits: 4))
    default:
      guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else { throw failure("the escape \\\(scalar) is not supported") }
      return character(scalar.value)
    }
  }

  private mutating func property(negated: Bool) throws(SplitPatternFailure) -> ScalarSet.Item {
    guard take("{"), let close = scalars[position...].firstIndex(of: "}") else { throw failure("\\p without its {…}") }
    var name = String(String.UnicodeScalarView(scalars[position..<close]))
    let isCaret = name.hasPrefix("^")
    if isCaret { name.removeFirst() }
    guard let mask = ScalarSet.mask(name) else { throw failure("\\p{\(name.prefix(40))} is not supported; general categories are") }
    position = close + 1
    return .categories(mask, negated: negated != isCaret)
  }

  private mutating func hexadecimal(digits: Int) throws(SplitPatternFailure) -> UInt32 {
    var text = ""
    if take("{") {
      while let scalar = next, scalar != "}", text.utf8.count < 9 { (text, position) = (text + String(scalar), position + 1) }
      guard take("}") else { throw failure("no } behind hexadecimal digits") }
    } else {
      while let scalar = next, text.utf8.count < digits { (text, position) = (text + String(scalar), position + 1) }
      guard text.utf8.count == digits else { throw failure("too few hexadecimal digits") }
    }
    guard text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }), let value = UInt32(text, radix: 16), Unicode.Scalar(value) != nil else {
      throw failure("\(text.prefix(10)) is no character's number")
    }
    return value
  }

  /// The characters, and where case does not count also those that fold to the same. ſ is an s and K (the Kelvin sign) a k.
  private func folded(_ range: ClosedRange<UInt32>) throws(SplitPatternFailure) -> [ScalarSet.Item] {
    guard ignoresCase else { return [.range(range)] }
    guard range.upperBound < 0x80 else { throw failure("a character beyond ASCII whose case does not count") }
    var items: [ScalarSet.Item] = [.range(range)]
    for value in range where (0x41...0x5a).contains(value & ~0x20) {
      items.append(.range((value ^ 0x20)...(value ^ 0x20)))
      if value | 0x20 == 0x73 { items.append(.range(0x17f...0x17f)) }
      if value | 0x20 == 0x6b { items.append(.range(0x212a...0x212a)) }
    }
    return items
  }
}

extension ScalarSet.Item {
  fileprivate var single: UInt32? {
    guard case .range(let range) = self, range.count == 1 else { return nil }
    return range.lowerBound
  }
}
