/// Compiles the text of a `NamePattern`.
struct NameProgram {
  enum Step: Sendable, Equatable {
    case character(CharacterSet)
    case start, end
    case split(Int, Int)
    case jump(Int)
    case accept
  }

  struct CharacterSet: Sendable, Equatable {
    var ranges: [ClosedRange<UInt32>] = []
    var isNegated = false
    func contains(_ scalar: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(scalar.value) } != isNegated }
    static let any = CharacterSet(isNegated: true)
    static func only(_ scalar: Unicode.Scalar) -> CharacterSet { .init(ranges: [scalar.value...scalar.value]) }
  }

  static let maximumSteps = 20_000
  static let maximumDepth = 50

  private let source: [Unicode.Scalar]
  private let text: String
  private var position = 0

  static func compile(_ text: String) throws(ModelFileError) -> [Step] {
    var compiler = NameProgram(text)
    let steps = try compiler.alternatives(depth: 0)
    guard compiler.position == compiler.source.count else { throw compiler.malformed("a ) has no (") }
    return steps + [.accept]
  }

  private init(_ text: String) { (source, self.text) = (Array(text.unicodeScalars), text) }

  private func malformed(_ message: String) -> ModelFileError {
    ModelFileError(.malformed, "the pattern \"\(text.prefix(200))\" is wrong at character \(position): \(message)")
  }
  private func unsupported(_ what: String) -> ModelFileError {
    ModelFileError(.unsupported, "the pattern \"\(text.prefix(200))\" uses \(what), which patterns here do not know; write the names out")
  }

  private var next: Unicode.Scalar? { position < source.count ? source[position] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  /// Steps with targets relative to their own start, so that pieces can be moved.
  private mutating func alternatives(depth: Int) throws(ModelFileError) -> [Step] {
    guard depth < Self.maximumDepth else { throw malformed("more than \(Self.maximumDepth) groups in each other") }
    var steps = try sequence(depth: depth)
    while take("|") {
      let other = try sequence(depth: depth)
      let start = steps.count + 2
      steps = [.split(1, start)] + Self.moved(steps, by: 1) + [.jump(start + other.count)] + Self.moved(other, by: start)
      try checkSize(steps.count)
    }
    return steps
  }

  private mutating func sequence(depth: Int) throws(ModelFileError) -> [Step] {
    var steps: [Step] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      let piece = try repeated(try atom(depth: depth))
      steps += Self.moved(piece, by: steps.count)
      try checkSize(steps.count)
    }
    return steps
  }

  private mutating func atom(depth: Int) throws(ModelFileError) -> [Step] {
    guard let scalar = next else { throw malformed("it ends too early") }
    position += 1
    switch scalar {
    case "(":
      if take("?") { guard take(":") else { throw unsupported("(?…)") } }
      let inner = try alternatives(depth: depth + 1)
      guard take(")") else { throw malformed("a ( is not closed") }
      return inner
    case "[": return [.character(try set())]
    case ".": return [.character(.any)]
    case "^": return [.start]
    case "$": return [.end]
    case "\\": return [.character(try escape())]
    case "*", "+", "?": throw malformed("nothing to repeat")
    default: return [.character(.only(scalar))]
    }
  }

  private mutating func repeated(_ piece: [Step]) throws(ModelFileError) -> [Step] {
    var result = piece
    while let scalar = next {
      let bounds: (least: Int, most: Int?)
      switch scalar {
      case "*": bounds = (0, nil)
      case "+": bounds = (1, nil)
      case "?": bounds = (0, 1)
      case "{": bounds = try count()
      default: return result
      }
      position += 1
      // A lazy form matches the same names.
      _ = take("?")
      result = try Self.repeating(result, bounds, self)
    }
    return result
  }

  private static func repeating(_ piece: [Step], _ bounds: (least: Int, most: Int?), _ compiler: NameProgram) throws(ModelFileError) -> [Step] {
    var steps: [Step] = []
    let copies = max(bounds.least, bounds.most ?? 0) + 1
    try compiler.checkSize((piece.count + 2) * copies)
    for _ in 0..<bounds.least { steps += moved(piece, by: steps.count) }
    if let most = bounds.most {
      for _ in bounds.least..<most {
        steps += [.split(steps.count + 1, steps.count + 1 + piece.count)] + moved(piece, by: steps.count + 1)
      }
    } else {
      let start = steps.count
      steps += [.split(start + 1, start + piece.count + 2)] + moved(piece, by: start + 1) + [.jump(start)]
    }
    return steps
  }

  /// `{m}`, `{m,}` or `{m,n}`; stops before the closing brace.
  private mutating func count() throws(ModelFileError) -> (least: Int, most: Int?) {
    position += 1
    func number(_ digits: [Unicode.Scalar]) -> Int? { Int(String(String.UnicodeScalarView(digits))) }
    guard let close = source[position...].firstIndex(of: "}") else { throw malformed("a { is not closed") }
    let parts = source[position..<close].split(separator: ",", omittingEmptySubsequences: false)
    guard let least = parts.first.flatMap({ number(Array($0)) }), (0...1000).contains(least), parts.count <= 2 else {
      throw malformed("no count in braces")
    }
    position = close
    guard parts.count == 2 else { return (least, least) }
    guard !parts[1].isEmpty else { return (least, nil) }
    guard let most = number(Array(parts[1])), (least...1000).contains(most) else { throw malformed("no count in braces") }
    return (least, most)
  }

  private mutating func escape() throws(ModelFileError) -> CharacterSet {
    guard let scalar = next else { throw malformed("it ends with \\") }
    position += 1
    let digits: [ClosedRange<UInt32>] = [48...57], spaces: [ClosedRange<UInt32>] = [9...13, 32...32]
    switch scalar {
    case "d": return .init(ranges: digits)
    case "D": return .init(ranges: digits, isNegated: true)
    case "w": return .init(ranges: digits + [65...90, 95...95, 97...122])
    case "W": return .init(ranges: digits + [65...90, 95...95, 97...122], isNegated: true)
    case "s": return .init(ranges: spaces)
    case "S": return .init(ranges: spaces, isNegated: true)
    case let letter where letter.properties.isAlphabetic || ("0"..."9").contains(letter): throw unsupported("\\\(letter)")
    default: return .only(scalar)
    }
  }

  private mutating func set() throws(ModelFileError) -> CharacterSet {
    var result = CharacterSet(isNegated: take("^"))
    repeat {
      guard let scalar = next else { throw malformed("a [ is not closed") }
      position += 1
      if scalar == "\\" {
        let escaped = try escape()
        guard !escaped.isNegated else { throw unsupported("an opposite inside [ ]") }
        result.ranges += escaped.ranges
      } else if next == "-", position + 1 < source.count, source[position + 1] != "]" {
        let upper = source[position + 1]
        guard upper != "\\", scalar.value <= upper.value else { throw malformed("a range in [ ] runs backwards") }
        result.ranges.append(scalar.value...upper.value)
        position += 2
      } else {
        result.ranges.append(scalar.value...scalar.value)
      }
    } while !take("]")
    return result
  }

  private static func moved(_ steps: [Step], by offset: Int) -> [Step] {
    steps.map {
      switch $0 {
      case .split(let one, let other): .split(one + offset, other + offset)
      case .jump(let target): .jump(target + offset)
      default: $0
      }
    }
  }

  private func checkSize(_ count: Int) throws(ModelFileError) {
    guard (0...Self.maximumSteps).contains(count) else { throw malformed("more than \(Self.maximumSteps) steps") }
  }
}
