/// A parsed regular expression.
indirect enum SplitPatternNode {
  case set(Int)
  case sequence([SplitPatternNode])
  case alternatives([SplitPatternNode])
  case loop(SplitPatternNode, least: Int, most: Int?, Kind)
  case look(SplitPatternNode, positive: Bool)
  case lineStart, lineEnd

  enum Kind { case greedy, lazy, possessive }

  /// The fewest characters of a match.
  var leastLength: Int {
    switch self {
    case .set: 1
    case .sequence(let nodes): nodes.reduce(0) { min($0 + $1.leastLength, 1 << 20) }
    case .alternatives(let nodes): nodes.map(\.leastLength).min() ?? 0
    case .loop(let node, let least, _, _): min(node.leastLength * least, 1 << 20)
    case .look, .lineStart, .lineEnd: 0
    }
  }
}

/// Turns a parsed expression into instructions.
struct SplitPatternCompiler {
  private(set) var program: [SplitPattern.Instruction] = []
  private(set) var branches = 0
  /// Repetitions of nothing make no instructions, but take time.
  private var steps = 0

  mutating func emit(_ instruction: SplitPattern.Instruction) throws(SplitPatternFailure) {
    guard program.count < SplitPattern.maximumInstructions else {
      throw SplitPatternFailure("it is more than \(SplitPattern.maximumInstructions) steps long when its repetitions are written out")
    }
    program.append(instruction)
  }

  /// An instruction whose targets are set later.
  private mutating func hole() throws(SplitPatternFailure) -> Int {
    try emit(.accept)
    return program.count - 1
  }

  private mutating func branch(at place: Int, _ first: Int, _ second: Int) throws(SplitPatternFailure) {
    guard branches < SplitPattern.maximumBranches else { throw SplitPatternFailure("it has more than \(SplitPattern.maximumBranches) choices") }
    program[place] = .branch(first, second, number: branches)
    branches += 1
  }

  mutating func add(_ node: SplitPatternNode) throws(SplitPatternFailure) {
    steps += 1
    guard steps <= 8 * SplitPattern.maximumInstructions else { throw SplitPatternFailure("it repeats repetitions too often") }
    switch node {
    case .set(let index): try emit(.set(index))
    case .sequence(let nodes): for node in nodes { try add(node) }
    case .lineStart: try emit(.lineStart)
    case .lineEnd: try emit(.lineEnd)
    case .alternatives(let nodes):
      var ends: [Int] = []
      for (index, node) in nodes.enumerated() {
        guard index + 1 < nodes.count else {
          try add(node)
          break
        }
        let choice = try hole()
        try add(node)
        ends.append(try hole())
        try branch(at: choice, choice + 1, program.count)
      }
      for end in ends { program[end] = .jump(program.count) }
    case .look(let inner, let positive):
      let place = try hole()
      try add(inner)
      try emit(.accept)
      program[place] = .look(positive: positive, end: program.count)
    case .loop(.set(let index), let least, let most, .possessive): try emit(.possessive(index, least: least, most: most ?? .max))
    case .loop(_, _, _, .possessive): throw SplitPatternFailure("a possessive repetition of more than one character class")
    case .loop(let inner, let least, let most, let kind): try addLoop(inner, least, most, lazy: kind == .lazy)
    }
  }

  private mutating func addLoop(_ inner: SplitPatternNode, _ least: Int, _ most: Int?, lazy: Bool) throws(SplitPatternFailure) {
    for _ in 0..<least { try add(inner) }
    guard let most else {
      let choice = try hole()
      try add(inner)
      try emit(.jump(choice))
      try branch(at: choice, lazy ? program.count : choice + 1, lazy ? choice + 1 : program.count)
      return
    }
    var choices: [Int] = []
    for _ in least..<max(most, least) {
      choices.append(try hole())
      try add(inner)
    }
    for choice in choices { try branch(at: choice, lazy ? program.count : choice + 1, lazy ? choice + 1 : program.count) }
  }
}
