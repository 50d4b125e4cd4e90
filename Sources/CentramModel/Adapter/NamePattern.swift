/// A regular expression over module names, matched in time proportional to name × pattern whatever the pattern says:
/// patterns come with adapters from strangers, and a backtracking matcher can be made to run for years.
///
/// Knows literals, `.`, classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {m,n}`, `^` and `$`.
/// Method: Thompson's automaton (Communications of the ACM 11, 1968).
public struct NamePattern: Sendable, Equatable {
  public let text: String
  private let program: [NameProgram.Step]

  /// - Throws: `.malformed` where it is no expression, `.unsupported` for look-around and back-references.
  public init(_ text: String) throws(ModelFileError) {
    self.text = text
    program = try NameProgram.compile(text)
  }

  /// Steps of the compiled pattern: what a match costs for each character.
  public var size: Int { program.count }

  /// Whether the whole name matches.
  public func matches(_ name: String) -> Bool { run(name, anywhere: false) }
  /// Whether some part of the name matches.
  public func isFound(in name: String) -> Bool { run(name, anywhere: true) }

  private func run(_ name: String, anywhere: Bool) -> Bool {
    let scalars = Array(name.unicodeScalars)
    var current = Threads(program.count), next = Threads(program.count)
    add(0, at: 0, of: scalars.count, to: &current)
    for (position, scalar) in scalars.enumerated() {
      if anywhere && current.isAccepting { return true }
      next.clear()
      for index in current.list {
        if case .character(let set) = program[index], set.contains(scalar) { add(index + 1, at: position + 1, of: scalars.count, to: &next) }
      }
      swap(&current, &next)
      if anywhere { add(0, at: position + 1, of: scalars.count, to: &current) }
      guard anywhere || current.isAccepting || !current.list.isEmpty else { return false }
    }
    return current.isAccepting
  }

  private struct Threads {
    var list: [Int] = []
    var member: [Bool]
    var isAccepting = false
    init(_ count: Int) { member = Array(repeating: false, count: count) }
    mutating func clear() {
      for index in member.indices { member[index] = false }
      list.removeAll(keepingCapacity: true)
      isAccepting = false
    }
  }

  private func add(_ start: Int, at position: Int, of count: Int, to threads: inout Threads) {
    var open = [start]
    while let index = open.popLast() {
      guard !threads.member[index] else { continue }
      threads.member[index] = true
      switch program[index] {
      case .character: threads.list.append(index)
      case .start: if position == 0 { open.append(index + 1) }
      case .end: if position == count { open.append(index + 1) }
      case .split(let one, let other): open += [other, one]
      case .jump(let target): open.append(target)
      case .accept: threads.isAccepting = true
      }
    }
  }
}
