internal import Synchronization

/// A grammar over a vocabulary. Texts that keep to it share what it learns of the grammar; may be used by several threads.
public final class GrammarMatcher: Sendable {
  let tokens: TokenTree
  let endTokens: [Int32]
  private let tables: Mutex<GrammarTables>

  /// - Parameter endTokens: allowed where the text may end.
  public init(_ grammar: JSONGrammar, tokens: TokenTree, endTokens: [Int32]) {
    (self.tokens, self.endTokens) = (tokens, endTokens.filter { $0 >= 0 && Int($0) < tokens.count })
    tables = Mutex(GrammarTables(grammar.grammar))
  }

  /// Calls `work` with the tables in use; those that are full are replaced first.
  func withTables<Result: Sendable>(_ work: (GrammarTables) throws(GenerationError) -> Result) throws(GenerationError) -> Result {
    try tables.withLock { tables throws(GenerationError) in
      if tables.isFull { tables = GrammarTables(tables.grammar) }
      return try work(tables)
    }
  }
}

/// One text that must keep to a grammar: says which tokens may follow.
public struct GrammarConstraint: Sendable {
  private let matcher: GrammarMatcher
  private var tables: GrammarTables
  private var state: Int32
  private var hasEnded = false

  public init(_ matcher: GrammarMatcher) throws(GenerationError) {
    self.matcher = matcher
    (tables, state) = try matcher.withTables { tables throws(GenerationError) in (tables, try tables.first()) }
  }

  /// The tokens that may follow; end tokens among them where the text may end.
  /// - Throws: `.deadEnd` where none may: the vocabulary lacks a byte that the grammar asks for.
  public mutating func allowed() throws(GenerationError) -> TokenMask {
    try refresh()
    let (tables, state, matcher, hasEnded) = (tables, state, matcher, hasEnded)
    var mask = TokenMask(count: matcher.tokens.count)
    let isComplete = try matcher.withTables { _ throws(GenerationError) in tables.isComplete(state) }
    if !hasEnded { mask = try matcher.withTables { _ throws(GenerationError) in try matcher.tokens.mask(tables, state) } }
    if isComplete { for token in matcher.endTokens { mask.insert(token) } }
    guard !mask.isEmpty || isComplete else {
      throw GenerationError(.deadEnd, "no token of the vocabulary can go on with the JSON here; it lacks tokens for single bytes")
    }
    return mask
  }

  /// - Throws: `.deadEnd` where the token may not follow.
  public mutating func accept(_ token: Int32) throws(GenerationError) {
    try refresh()
    let bytes = matcher.tokens.bytes(of: token), tables = tables
    var now = state
    if matcher.endTokens.contains(token), try isComplete {
      hasEnded = true
      return
    }
    guard !bytes.isEmpty, !hasEnded else { throw GenerationError(.deadEnd, "token \(token) may not follow") }
    for byte in bytes {
      let before = now
      now = try matcher.withTables { _ throws(GenerationError) in try tables.next(before, byte) }
      guard now >= 0 else { throw GenerationError(.deadEnd, "token \(token) may not follow") }
    }
    state = now
  }

  /// Whether the text is whole and may end.
  public var isComplete: Bool {
    get throws(GenerationError) {
      let (tables, state) = (tables, state)
      return try matcher.withTables { _ throws(GenerationError) in tables.isComplete(state) }
    }
  }

  /// Whether anything but the end may follow.
  public var canContinue: Bool {
    get throws(GenerationError) {
      let (tables, state, hasEnded) = (tables, state, hasEnded)
      return try matcher.withTables { _ throws(GenerationError) in !hasEnded && tables.canContinue(state) }
    }
  }

  /// Moves on to tables that have room.
  private mutating func refresh() throws(GenerationError) {
    let (old, state) = (tables, state)
    (tables, self.state) = try matcher.withTables { current throws(GenerationError) in
      current === old ? (old, state) : (current, old.copy(state, to: current))
    }
  }
}
