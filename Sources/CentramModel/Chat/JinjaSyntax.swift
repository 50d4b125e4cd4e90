/// What a template says, parsed.
indirect enum JinjaExpression: Sendable {
  case literal(JinjaValue)
  case name(String, line: Int)
  case list([JinjaExpression], isTuple: Bool)
  case object([(key: JinjaExpression, value: JinjaExpression)])
  case attribute(JinjaExpression, String, line: Int)
  case item(JinjaExpression, JinjaExpression, line: Int)
  case slice(JinjaExpression, from: JinjaExpression?, to: JinjaExpression?, step: JinjaExpression?, line: Int)
  case call(JinjaExpression, JinjaArguments, line: Int)
  case filter(JinjaExpression, String, JinjaArguments, line: Int)
  case test(JinjaExpression, String, JinjaArguments, line: Int)
  case not(JinjaExpression)
  case and(JinjaExpression, JinjaExpression)
  case or(JinjaExpression, JinjaExpression)
  case negative(JinjaExpression, line: Int)
  case binary(String, JinjaExpression, JinjaExpression, line: Int)
  case comparison(JinjaExpression, [(sign: String, operand: JinjaExpression)], line: Int)
  case condition(JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
}

struct JinjaArguments: Sendable {
  var positional: [JinjaExpression] = []
  var named: [(name: String, value: JinjaExpression)] = []
}

indirect enum JinjaStatement: Sendable {
  case text(JinjaText)
  case output(JinjaExpression, line: Int)
  case set([String], JinjaExpression, line: Int)
  case setMember(String, String, JinjaExpression, line: Int)
  case setBlock(String, [JinjaStatement], line: Int)
  case condition([(test: JinjaExpression, body: [JinjaStatement])], otherwise: [JinjaStatement])
  case loop([String], JinjaExpression, only: JinjaExpression?, body: [JinjaStatement], otherwise: [JinjaStatement], line: Int)
  case macro(String, [(name: String, standard: JinjaExpression?)], [JinjaStatement])
  case breakLoop, continueLoop
}

/// Why a template does not work.
struct JinjaFailure: Error, Sendable {
  enum Kind: Sendable {
    /// Against Jinja's rules.
    case wrong
    /// Jinja, but not of the part that is understood.
    case unsupported
    /// The template itself refuses, by `raise_exception`.
    case raised
  }

  let kind: Kind
  let message: String
  let line: Int

  init(_ kind: Kind, _ message: String, line: Int) { (self.kind, self.message, self.line) = (kind, message, line) }
  init(_ message: String, line: Int) { self.init(.wrong, message, line: line) }
}
