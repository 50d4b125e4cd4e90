/// A regular expression for cutting text, in the part of Oniguruma's language that tokenizers use. Matching takes time linear in the text
/// times the pattern, whatever the pattern: every state that failed at a place is remembered, so that a pattern from a stranger cannot
/// stall the program.
struct SplitPattern: Sendable {
  enum Instruction: Sendable {
    /// Takes one character of a set.
    case set(Int)
    /// Takes characters of a set, as many as there are, and gives none back.
    case possessive(Int, least: Int, most: Int)
    /// Tries the one, then the other. Branches are numbered.
    case branch(Int, Int, number: Int)
    case jump(Int)
    /// Whether the instructions behind it match, up to `accept`; goes on at `end`.
    case look(positive: Bool, end: Int)
    case lineStart, lineEnd
    case accept
  }

  let program: [Instruction]
  let sets: [ScalarSet]
  let branches: Int

  static let maximumLength = 4096
  static let maximumInstructions = 4096
  static let maximumBranches = 256
  static let maximumDepth = 40
  /// As far as a match can reach, which bounds the memory for what failed.
  static let window = 1 << 20

  /// - Throws: a sentence about what is not supported, by its place.
  init(_ pattern: String) throws(SplitPatternFailure) {
    var parser = try SplitPatternParser(pattern)
    let node = try parser.pattern()
    guard node.leastLength > 0 else { throw SplitPatternFailure("it can match nothing at all") }
    var compiler = SplitPatternCompiler()
    try compiler.add(node)
    try compiler.emit(.accept)
    (program, sets, branches) = (compiler.program, parser.sets, compiler.branches)
  }

  /// A pattern that is a text.
  init(literal: String) throws(SplitPatternFailure) {
    guard !literal.isEmpty else { throw SplitPatternFailure("it can match nothing at all") }
    guard literal.unicodeScalars.count <= 1024 else { throw SplitPatternFailure("the text is longer than 1024 characters") }
    sets = literal.unicodeScalars.map { ScalarSet([.range($0.value...$0.value)]) }
    program = sets.indices.map { .set($0) } + [.accept]
    branches = 0
  }

  /// The matches from left to right, none overlapping.
  func matches(in text: UnsafeRawBufferPointer) -> [Range<Int>] {
    var matcher = SplitPatternMatcher(pattern: self, text: text)
    return matcher.all()
  }
}

struct SplitPatternFailure: Error, Sendable {
  let message: String
  init(_ message: String) { self.message = message }
}

/// Runs a pattern over a text with a stack of its own.
private struct SplitPatternMatcher {
  let pattern: SplitPattern
  let text: UnsafeRawBufferPointer
  /// The window: nothing beyond it is looked at.
  private var base = 0, limit = 0
  private let width: Int
  /// A bit each for a branch and a place: tried, and led to a match within a look-ahead.
  private var tried: [UInt64], succeeded: [UInt64]
  /// The bits of `tried` that were set on the way to where the matcher stands. Those behind a place that was backtracked to have failed for good.
  private var trail: [Int] = []
  private var stack: [(target: Int, position: Int, trail: Int)] = []

  init(pattern: SplitPattern, text: UnsafeRawBufferPointer) {
    (self.pattern, self.text) = (pattern, text)
    width = min(text.count, SplitPattern.window) + 1
    tried = [UInt64](repeating: 0, count: (pattern.branches * width + 63) / 64)
    succeeded = tried
    limit = width - 1
  }

  mutating func all() -> [Range<Int>] {
    var found: [Range<Int>] = []
    var start = 0
    while start < text.count {
      if start - base > SplitPattern.window / 2 { slide(to: start) }
      if let end = run(0, start, looking: false) {
        found.append(start..<end)
        start = end
      } else {
        start += UTF8Text.scalar(text, start).length
      }
    }
    return found
  }

  private mutating func slide(to start: Int) {
    guard limit < text.count else { return }
    base = start
    limit = min(text.count, start + width - 1)
    // A character is either within the window or not.
    while limit < text.count, text[limit] & 0xc0 == 0x80 { limit -= 1 }
    for index in tried.indices { (tried[index], succeeded[index]) = (0, 0) }
  }

  private func take(_ set: Int, _ position: Int) -> Int? {
    guard position < limit else { return nil }
    let (value, length) = UTF8Text.scalar(text, position)
    return pattern.sets[set].contains(value) ? position + length : nil
  }

  /// The end of the match that the instruction starts at the place.
  private mutating func run(_ start: Int, _ place: Int, looking: Bool) -> Int? {
    let stackBase = stack.count, trailBase = trail.count
    var target = start, position = place
    while true {
      var advances = false
      switch pattern.program[target] {
      case .set(let set):
        if let end = take(set, position) { (position, target, advances) = (end, target + 1, true) }
      case .possessive(let set, let least, let most):
        var count = 0
        while count < most, let end = take(set, position) { (position, count) = (end, count + 1) }
        if count >= least { (target, advances) = (target + 1, true) }
      case .branch(let first, let second, let number):
        let bit = number * width + position - base
        if looking, succeeded[bit >> 6] >> UInt64(bit & 63) & 1 == 1 { return accept(position, stackBase, trailBase, looking) }
        if tried[bit >> 6] >> UInt64(bit & 63) & 1 == 0 {
          tried[bit >> 6] |= 1 << UInt64(bit & 63)
          trail.append(bit)
          stack.append((second, position, trail.count))
          (target, advances) = (first, true)
        }
      case .jump(let next): (target, advances) = (next, true)
      case .look(let positive, let end):
        if (run(target + 1, position, looking: true) != nil) == positive { (target, advances) = (end, true) }
      case .lineStart:
        if position == 0 || text[position - 1] == 0x0a { (target, advances) = (target + 1, true) }
      case .lineEnd:
        if position == text.count || text[position] == 0x0a { (target, advances) = (target + 1, true) }
      case .accept: return accept(position, stackBase, trailBase, looking)
      }
      if advances { continue }
      guard stack.count > stackBase, let last = stack.popLast() else {
        trail.removeLast(trail.count - trailBase)
        return nil
      }
      trail.removeLast(trail.count - last.trail)
      (target, position) = (last.target, last.position)
    }
  }

  /// Ends a run with a match: what is on its way has not failed.
  private mutating func accept(_ position: Int, _ stackBase: Int, _ trailBase: Int, _ looking: Bool) -> Int {
    for bit in trail[trailBase...] {
      if looking { succeeded[bit >> 6] |= 1 << UInt64(bit & 63) } else { tried[bit >> 6] &= ~(1 << UInt64(bit & 63)) }
    }
    trail.removeLast(trail.count - trailBase)
    stack.removeLast(stack.count - stackBase)
    return position
  }
}
