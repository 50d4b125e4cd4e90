/// A part of a grammar over bytes. Terms name each other by number, so a grammar may be recursive.
enum GrammarTerm: Hashable, Sendable {
  /// One byte of a set.
  case bytes(ByteSet)
  /// These bytes; at least one.
  case literal([UInt8])
  /// One after the other; without elements, nothing.
  case sequence([Int])
  /// Any one of them; without elements, nothing that can be satisfied.
  case choice([Int])
  /// From `least` to `most` times, any number from `least` where `most` is nil.
  case repetition(Int, least: Int, most: Int?)
  /// An array or object: one level deeper than what holds it.
  case nested(Int)
}

/// Terms whose references are checked: all can be satisfied or are known not to be, and none begins with itself.
struct ByteGrammar: Sendable {
  let terms: [GrammarTerm]
  let root: Int
  /// Levels of arrays and objects that a term needs at least; `unreachable` where more than `mostLevels`, or where it cannot be satisfied.
  let heights: [Int]

  static let mostLevels = 64
  static let unreachable = Int(Int16.max)
}

/// Collects terms, equal ones once.
struct GrammarBuilder {
  private(set) var terms: [GrammarTerm] = []
  private var known: [GrammarTerm: Int] = [:]
  /// What stands for any JSON, once it was asked for.
  var anyTerm: Int?
  static let mostTerms = 200_000

  mutating func add(_ term: GrammarTerm) throws(GenerationError) -> Int {
    if let index = known[term] { return index }
    guard terms.count < Self.mostTerms else { throw GenerationError(.schema, "the schema needs more than \(Self.mostTerms) grammar terms; make it smaller") }
    terms.append(term)
    known[term] = terms.count - 1
    return terms.count - 1
  }

  /// A term to be defined later, for recursion.
  mutating func reserve() throws(GenerationError) -> Int {
    guard terms.count < Self.mostTerms else { throw GenerationError(.schema, "the schema needs more than \(Self.mostTerms) grammar terms; make it smaller") }
    terms.append(.choice([]))
    return terms.count - 1
  }

  mutating func define(_ reserved: Int, as term: Int) { terms[reserved] = .choice([term]) }

  mutating func literal(_ text: String) throws(GenerationError) -> Int { try add(.literal(Array(text.utf8))) }
  mutating func sequence(_ elements: Int...) throws(GenerationError) -> Int { try add(.sequence(elements)) }
  mutating func choice(_ elements: [Int]) throws(GenerationError) -> Int { elements.count == 1 ? elements[0] : try add(.choice(elements)) }
  mutating func repeated(_ element: Int, _ least: Int = 0, _ most: Int? = nil) throws(GenerationError) -> Int {
    try add(.repetition(element, least: least, most: most))
  }
  mutating func bytes(_ ranges: ClosedRange<UInt8>...) throws(GenerationError) -> Int {
    var set = ByteSet()
    for range in ranges { for byte in range { set.insert(byte) } }
    return try add(.bytes(set))
  }
}
