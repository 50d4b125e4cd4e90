/// What is known of a grammar's matching so far: stacks of what is still to come, sets of stacks as states, and which byte leads from state
/// to state. Grows as texts are matched. Not for several threads at once.
final class GrammarTables: @unchecked Sendable {
  /// What waits for the term above it to end. The bottom of a stack has no parent.
  struct Frame: Hashable {
    let term: Int32
    /// Of a literal and a sequence the next element; of a repetition how many have begun.
    let index: Int32
    let level: Int16
    let parent: Int32
  }
  private struct State: Hashable {
    /// Tops, each a literal or a set of bytes, in order.
    let tops: [Int32]
    /// Whether the text may end here.
    let isComplete: Bool
  }
  private enum Step: Hashable {
    case enter(term: Int, level: Int, parent: Int32)
    case leave(Int32)
  }

  static let unknown: Int32 = -2, none: Int32 = -1
  static let mostStates = 20_000, mostTops = 20_000

  let grammar: ByteGrammar
  private var frames: [Frame] = []
  private var frameNumbers: [Frame: Int32] = [:]
  private var states: [State] = []
  private var stateNumbers: [State: Int32] = [:]
  /// 256 a state.
  var transitions: [Int32] = []
  /// The tokens that may follow, by state.
  var masks: [Int32: TokenMask] = [:]

  init(_ grammar: ByteGrammar) { self.grammar = grammar }

  var isFull: Bool { states.count >= Self.mostStates || frames.count >= 50 * Self.mostStates }

  func first() throws(GenerationError) -> Int32 { try state([.enter(term: grammar.root, level: 0, parent: -1)]) }

  func isComplete(_ state: Int32) -> Bool { states[Int(state)].isComplete }
  /// Whether more may follow.
  func canContinue(_ state: Int32) -> Bool { !states[Int(state)].tops.isEmpty }

  /// The state after one more byte; `none` where it may not stand there.
  func next(_ state: Int32, _ byte: UInt8) throws(GenerationError) -> Int32 {
    let place = Int(state) * 256 + Int(byte)
    if transitions[place] != Self.unknown { return transitions[place] }
    var steps: [Step] = [], moved: [Int32] = []
    for top in states[Int(state)].tops {
      let frame = frames[Int(top)]
      switch grammar.terms[Int(frame.term)] {
      case .bytes(let set): if set.contains(byte) { steps.append(.leave(frame.parent)) }
      case .literal(let bytes):
        guard bytes[Int(frame.index)] == byte else { continue }
        if Int(frame.index) + 1 == bytes.count {
          steps.append(.leave(frame.parent))
        } else {
          moved.append(number(Frame(term: frame.term, index: frame.index + 1, level: 0, parent: frame.parent)))
        }
      default: preconditionFailure("only literals and sets of bytes stand on top")
      }
    }
    let result = steps.isEmpty && moved.isEmpty ? Self.none : try self.state(steps, moved)
    transitions[place] = result
    return result
  }

  /// The same state in other tables of the same grammar.
  func copy(_ state: Int32, to other: GrammarTables) -> Int32 {
    let tops = states[Int(state)].tops.map { top in
      var path: [Frame] = [], place = top
      while place >= 0 {
        path.append(frames[Int(place)])
        place = frames[Int(place)].parent
      }
      return path.reversed().reduce(Int32(-1)) { parent, frame in other.number(Frame(term: frame.term, index: frame.index, level: frame.level, parent: parent)) }
    }
    return other.number(State(tops: tops.sorted(), isComplete: states[Int(state)].isComplete))
  }

  private func number(_ frame: Frame) -> Int32 {
    if let known = frameNumbers[frame] { return known }
    frames.append(frame)
    frameNumbers[frame] = Int32(frames.count - 1)
    return Int32(frames.count - 1)
  }

  private func number(_ state: State) -> Int32 {
    if let known = stateNumbers[state] { return known }
    states.append(state)
    transitions.append(contentsOf: repeatElement(Self.unknown, count: 256))
    stateNumbers[state] = Int32(states.count - 1)
    return Int32(states.count - 1)
  }

  /// Follows what takes no bytes until only tops remain.
  private func state(_ steps: [Step], _ moved: [Int32] = []) throws(GenerationError) -> Int32 {
    var tops = Set(moved), isComplete = false
    var waiting = steps, seen = Set(steps)
    func add(_ step: Step) { if seen.insert(step).inserted { waiting.append(step) } }
    while let step = waiting.popLast() {
      guard tops.count <= Self.mostTops, seen.count <= 10 * Self.mostTops else {
        throw GenerationError(.schema, "more than \(Self.mostTops) ways to go on at one place; make the schema's alternatives fewer")
      }
      switch step {
      case .leave(-1): isComplete = true
      case .leave(let place): leave(frames[Int(place)], add)
      case .enter(let term, let level, let parent):
        // Too deep to end within the levels.
        guard level + grammar.heights[term] <= ByteGrammar.mostLevels else { continue }
        switch grammar.terms[term] {
        case .bytes, .literal: tops.insert(number(Frame(term: Int32(term), index: 0, level: 0, parent: parent)))
        case .choice(let elements): for element in elements { add(.enter(term: element, level: level, parent: parent)) }
        case .nested(let element): add(.enter(term: element, level: level + 1, parent: parent))
        case .sequence: enter(next: 0, of: term, level, parent, add)
        case .repetition(_, let least, _): begin(item: 0, of: term, least, level, parent, add)
        }
      }
    }
    return number(State(tops: tops.sorted(), isComplete: isComplete))
  }

  private func leave(_ frame: Frame, _ add: (Step) -> Void) {
    switch grammar.terms[Int(frame.term)] {
    case .sequence: enter(next: Int(frame.index), of: Int(frame.term), Int(frame.level), frame.parent, add)
    case .repetition(_, let least, _): begin(item: Int(frame.index), of: Int(frame.term), least, Int(frame.level), frame.parent, add)
    default: preconditionFailure("only sequences and repetitions wait")
    }
  }

  /// The last element needs no frame of its sequence, so lists do not grow the stack.
  private func enter(next index: Int, of term: Int, _ level: Int, _ parent: Int32, _ add: (Step) -> Void) {
    guard case .sequence(let elements) = grammar.terms[term] else { return }
    if index == elements.count { return add(.leave(parent)) }
    let after = index + 1 == elements.count ? parent : number(Frame(term: Int32(term), index: Int32(index + 1), level: Int16(level), parent: parent))
    add(.enter(term: elements[index], level: level, parent: after))
  }

  /// After `item` items: another one, or the end.
  private func begin(item: Int, of term: Int, _ least: Int, _ level: Int, _ parent: Int32, _ add: (Step) -> Void) {
    guard case .repetition(let element, _, let most) = grammar.terms[term] else { return }
    if item >= least { add(.leave(parent)) }
    guard most.map({ item < $0 }) ?? true else { return }
    // Where there is no most, it does not matter by how much the least is passed.
    let counted = most == nil ? min(item + 1, least) : item + 1
    add(.enter(term: element, level: level, parent: number(Frame(term: Int32(term), index: Int32(counted), level: Int16(level), parent: parent))))
  }
}
