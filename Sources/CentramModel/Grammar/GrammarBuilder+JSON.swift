// JSON's own grammar, RFC 8259, without white space but one space after `:` and `,` where the model likes. Numbers have at most fifteen
// digits before and after the point and an exponent of at most two, so that every reader takes them.
extension GrammarBuilder {
  mutating func optionalSpace() throws(GenerationError) -> Int { try repeated(bytes(0x20...0x20), 0, 1) }

  /// `,` or `:`, and perhaps a space.
  mutating func separator(_ text: String) throws(GenerationError) -> Int { try sequence(literal(text), optionalSpace()) }

  // MARK: strings

  /// A string of so many characters, counted as JSON Schema does: code points.
  mutating func string(_ least: Int = 0, _ most: Int? = nil) throws(GenerationError) -> Int {
    try sequence(literal("\""), repeated(character(), least, most), literal("\""))
  }

  /// One character of a string, escaped or not.
  mutating func character() throws(GenerationError) -> Int { try choice([plainCharacter(), escape()]) }

  /// Well-formed UTF-8, Unicode's table 3-7, but no control characters, quotes and backslashes, nor what begins with a byte of `excluded`.
  mutating func plainCharacter(excluding excluded: ByteSet = ByteSet()) throws(GenerationError) -> Int {
    let tail = try bytes(0x80...0xbf)
    let ascii = try add(.bytes(ByteSet(0x20...0x21, 0x23...0x5b, 0x5d...0x7f).subtracting(excluded)))
    func lead(_ ranges: ClosedRange<UInt8>...) -> GrammarTerm { .bytes(ByteSet(ranges.joined()).subtracting(excluded)) }
    let two = try sequence(add(lead(0xc2...0xdf)), tail)
    let three = try choice([
      sequence(add(lead(0xe0...0xe0)), bytes(0xa0...0xbf), tail), sequence(add(lead(0xe1...0xec, 0xee...0xef)), tail, tail),
      sequence(add(lead(0xed...0xed)), bytes(0x80...0x9f), tail),
    ])
    let four = try choice([
      sequence(add(lead(0xf0...0xf0)), bytes(0x90...0xbf), tail, tail), sequence(add(lead(0xf1...0xf3)), tail, tail, tail),
      sequence(add(lead(0xf4...0xf4)), bytes(0x80...0x8f), tail, tail),
    ])
    return try choice([ascii, two, three, four])
  }

  private mutating func escape() throws(GenerationError) -> Int {
    let hex = try hexadecimal(Array(0...15))
    let u = try literal("\\u"), d = try hexadecimal([13])
    let notSurrogate = try choice([
      sequence(u, hexadecimal((0...15).filter { $0 != 13 }), hex, hex, hex), sequence(u, d, hexadecimal(Array(0...7)), hex, hex),
    ])
    let pair = try sequence(u, d, hexadecimal(Array(8...11)), hex, hex, u, d, hexadecimal(Array(12...15)), hex, hex)
    let short = try sequence(literal("\\"), add(.bytes(ByteSet("\"\\/bfnrt".utf8))))
    return try choice([short, notSurrogate, pair])
  }

  private mutating func hexadecimal(_ digits: [Int]) throws(GenerationError) -> Int {
    try add(.bytes(ByteSet(digits.flatMap { Array((String($0, radix: 16) + String($0, radix: 16).uppercased()).utf8) })))
  }

  // MARK: numbers

  mutating func digit(_ least: Int = 0, _ greatest: Int = 9) throws(GenerationError) -> Int {
    try bytes(UInt8(0x30 + least)...UInt8(0x30 + greatest))
  }

  /// From 0 to fifteen nines.
  private mutating func natural() throws(GenerationError) -> Int { try choice([literal("0"), positive()]) }
  private mutating func positive() throws(GenerationError) -> Int { try sequence(digit(1, 9), repeated(digit(), 0, 14)) }

  /// Any integer of up to fifteen digits.
  mutating func integer() throws(GenerationError) -> Int { try choice([natural(), sequence(literal("-"), positive())]) }

  mutating func number() throws(GenerationError) -> Int {
    let sign = try repeated(literal("-"), 0, 1)
    let fraction = try repeated(sequence(literal("."), repeated(digit(), 1, 15)), 0, 1)
    let exponent = try repeated(
      sequence(add(.bytes(ByteSet("eE".utf8))), repeated(add(.bytes(ByteSet("+-".utf8))), 0, 1), repeated(digit(), 1, 2)), 0, 1)
    return try sequence(sign, natural(), fraction, exponent)
  }

  // MARK: values

  /// Any JSON.
  mutating func anyValue() throws(GenerationError) -> Int {
    if let known = anyTerm { return known }
    let value = try reserve()
    anyTerm = value
    let array = try self.array(of: value, 0, nil), object = try self.object(key: string(), value: value)
    define(value, as: try choice([scalar(), object, array]))
    return value
  }

  private mutating func scalar() throws(GenerationError) -> Int {
    try choice([string(), number(), literal("true"), literal("false"), literal("null")])
  }

  mutating func array(of item: Int, _ least: Int, _ most: Int?) throws(GenerationError) -> Int {
    let open = try literal("["), close = try literal("]")
    var kinds: [Int] = []
    if least == 0 { kinds.append(close) }
    if most != 0 {
      let more = try repeated(sequence(separator(","), item), max(0, least - 1), most.map { $0 - 1 })
      kinds.append(try sequence(item, more, close))
    }
    let rest = try choice(kinds)
    return try add(.nested(sequence(open, rest)))
  }

  /// Any number of members.
  mutating func object(key: Int, value: Int) throws(GenerationError) -> Int {
    let member = try sequence(key, separator(":"), value), close = try literal("}")
    let some = try sequence(member, repeated(sequence(separator(","), member)), close)
    let rest = try choice([close, some])
    return try add(.nested(sequence(literal("{"), rest)))
  }

  /// Exactly this value.
  mutating func constant(_ value: OrderedJSON) throws(GenerationError) -> Int {
    switch value {
    case .array(let items):
      var elements: [Int] = [try literal("[")]
      for (index, item) in items.enumerated() {
        if index > 0 { elements.append(try separator(",")) }
        elements.append(try constant(item))
      }
      elements.append(try literal("]"))
      return try add(.nested(add(.sequence(elements))))
    case .object(let members):
      var elements: [Int] = [try literal("{")]
      for (index, member) in members.enumerated() {
        if index > 0 { elements.append(try separator(",")) }
        elements += [try literal(OrderedJSON.quoted(member.key)), try separator(":"), try constant(member.value)]
      }
      elements.append(try literal("}"))
      return try add(.nested(add(.sequence(elements))))
    case .number(let number):
      guard abs(number) < 9_007_199_254_740_992 else {
        throw GenerationError(.schema, "the number \(number) in enum or const: below 2^53, or it would be written with other digits")
      }
      return try literal(number == number.rounded() ? "\(Int64(number))" : "\(number)")
    case .string(let text): return try literal(OrderedJSON.quoted(text))
    case .boolean(let flag): return try literal("\(flag)")
    case .null: return try literal("null")
    }
  }

  /// Any one of texts of at least a byte. What they begin with in common is one term, so a matcher follows one way, not as many as there are.
  mutating func oneOf(_ texts: [[UInt8]]) throws(GenerationError) -> Int {
    let sorted = texts.sorted { $0.lexicographicallyPrecedes($1) }
    return try oneOf(sorted[...], from: 0)
  }

  private mutating func oneOf(_ sorted: ArraySlice<[UInt8]>, from start: Int) throws(GenerationError) -> Int {
    var kinds: [Int] = [], place = sorted.startIndex
    while place < sorted.endIndex {
      if sorted[place].count == start {
        kinds.append(try add(.sequence([])))
        place += 1
        while place < sorted.endIndex, sorted[place].count == start { place += 1 }
        continue
      }
      let end = sorted[place...].firstIndex { $0[start] != sorted[place][start] } ?? sorted.endIndex
      let group = sorted[place..<end]
      let (first, last) = (group.first!, group.last!)
      var shared = start
      while shared < first.count, shared < last.count, first[shared] == last[shared] { shared += 1 }
      let prefix = try add(.literal(Array(first[start..<shared])))
      kinds.append(group.count == 1 && shared == first.count ? prefix : try sequence(prefix, oneOf(group, from: shared)))
      place = end
    }
    return try choice(kinds)
  }

  /// A string without escapes that is none of these.
  mutating func string(otherThan names: [String]) throws(GenerationError) -> Int {
    // Names that need escapes cannot be met.
    let plain = names.filter { !$0.unicodeScalars.contains { $0 == "\"" || $0 == "\\" || $0.value < 0x20 } }
    return try sequence(literal("\""), ending(otherThan: plain.map { Array($0.unicodeScalars)[...] }))
  }

  /// The rest of a string and its quote, where the rest is none of these.
  private mutating func ending(otherThan names: [ArraySlice<Unicode.Scalar>]) throws(GenerationError) -> Int {
    let quote = try literal("\"")
    guard !names.isEmpty else { return try sequence(repeated(plainCharacter()), quote) }
    let groups = Dictionary(grouping: names.filter { !$0.isEmpty }) { $0.first! }
    // A character that begins like a name's, in UTF-8, is left to the name.
    let leads = ByteSet(groups.keys.map { String($0).utf8.first! })
    var kinds = [try sequence(plainCharacter(excluding: leads), repeated(plainCharacter()), quote)]
    if !names.contains(where: \.isEmpty) { kinds.append(quote) }
    for (scalar, group) in groups.sorted(by: { $0.key < $1.key }) {
      kinds.append(try sequence(literal(String(scalar)), ending(otherThan: group.map { $0.dropFirst() })))
    }
    return try choice(kinds)
  }
}
