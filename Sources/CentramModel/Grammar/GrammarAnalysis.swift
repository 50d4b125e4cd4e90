extension ByteGrammar {
  /// - Throws: `.schema` where nothing satisfies the root, or where a term begins with itself.
  init(_ builder: GrammarBuilder, root: Int) throws(GenerationError) {
    terms = builder.terms
    self.root = root
    heights = Self.heights(of: terms)
    guard heights[root] <= Self.mostLevels else {
      throw GenerationError(.schema, "nothing satisfies the schema: it contradicts itself, recurs without end, or needs more than \(Self.mostLevels) levels")
    }
    guard Self.isWellFounded(terms) else {
      throw GenerationError(.schema, "a part of the schema refers to itself with nothing between; end the recursion with another alternative inside an object or array")
    }
  }

  /// The least solution of: a choice needs what its easiest element needs, a sequence what its hardest does, a nested term one level more.
  private static func heights(of terms: [GrammarTerm]) -> [Int] {
    var users = [[Int]](repeating: [], count: terms.count)
    for (index, term) in terms.enumerated() { for element in term.elements { users[element].append(index) } }
    var heights = [Int](repeating: unreachable, count: terms.count)
    var waiting = Array(terms.indices.reversed())
    var isWaiting = [Bool](repeating: true, count: terms.count)
    // A height only falls, and by at most `mostLevels` steps once it is within them, so this ends.
    while let index = waiting.popLast() {
      isWaiting[index] = false
      let height = height(terms[index], heights)
      guard height < heights[index] else { continue }
      heights[index] = height
      for user in users[index] where !isWaiting[user] {
        isWaiting[user] = true
        waiting.append(user)
      }
    }
    return heights
  }

  private static func height(_ term: GrammarTerm, _ heights: [Int]) -> Int {
    switch term {
    case .bytes, .literal: 0
    case .sequence(let elements): elements.reduce(0) { max($0, heights[$1]) }
    case .choice(let elements): elements.reduce(unreachable) { min($0, heights[$1]) }
    case .repetition(let element, let least, _): least == 0 ? 0 : heights[element]
    case .nested(let element): heights[element] < mostLevels ? heights[element] + 1 : unreachable
    }
  }

  /// Whether no term can begin with itself, which a matcher would follow without end.
  private static func isWellFounded(_ terms: [GrammarTerm]) -> Bool {
    let empty = canBeEmpty(terms)
    /// Terms that may stand at the very beginning.
    func beginnings(_ term: GrammarTerm) -> [Int] {
      guard case .sequence(let elements) = term else { return term.elements }
      let first = elements.firstIndex { !empty[$0] } ?? elements.count - 1
      return elements.isEmpty ? [] : Array(elements[...first])
    }
    var state = [UInt8](repeating: 0, count: terms.count)  // 1: on the path, 2: done
    for start in terms.indices where state[start] == 0 {
      var path = [(term: start, next: 0, beginnings: beginnings(terms[start]))]
      state[start] = 1
      while let top = path.last {
        guard top.next < top.beginnings.count else {
          state[top.term] = 2
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let next = top.beginnings[top.next]
        if state[next] == 1 { return false }
        if state[next] == 0 {
          state[next] = 1
          path.append((next, 0, beginnings(terms[next])))
        }
      }
    }
    // What is repeated takes at least a byte, or a repetition could go on for nothing.
    return terms.allSatisfy { if case .repetition(let element, _, _) = $0 { !empty[element] } else { true } }
  }

  private static func canBeEmpty(_ terms: [GrammarTerm]) -> [Bool] {
    var empty = [Bool](repeating: false, count: terms.count)
    var changed = true
    // Only spaces and runs of characters can be empty, and what directly holds them, so this takes few rounds.
    while changed {
      changed = false
      for index in terms.indices where !empty[index] {
        let now =
          switch terms[index] {
          case .bytes, .literal: false
          case .sequence(let elements): elements.allSatisfy { empty[$0] }
          case .choice(let elements): elements.contains { empty[$0] }
          case .repetition(let element, let least, _): least == 0 || empty[element]
          case .nested(let element): empty[element]
          }
        if now {
          empty[index] = true
          changed = true
        }
      }
    }
    return empty
  }
}

extension GrammarTerm {
  var elements: [Int] {
    switch self {
    case .bytes, .literal: []
    case .sequence(let elements), .choice(let elements): elements
    case .repetition(let element, _, _), .nested(let element): [element]
    }
  }
}
