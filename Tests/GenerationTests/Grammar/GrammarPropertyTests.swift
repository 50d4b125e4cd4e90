import CentramModel
import Foundation
import Testing

@Suite struct GrammarPropertyTests {
  /// A random text of a grammar: any allowed token, and after a while those that close.
  static func walk(_ constraint: GrammarConstraint, _ draws: inout Draws, most: Int = 40) throws -> String? {
    var constraint = constraint, text: [UInt8] = []
    let closers = Set("\"}]0123456789".utf8.map { Int32($0) })
    for step in 0..<3000 {
      let allowed = try constraint.allowed().tokens
      let closing = allowed.filter { closers.contains($0) || $0 == Schemas.end }
      let token: Int32
      if step > most, allowed.contains(Schemas.end) {
        token = Schemas.end
      } else if step > most, let last = closing.filter({ $0 == 0x22 || $0 == 0x5d || $0 == 0x7d }).randomElement(using: &draws), Int.random(in: 0..<8, using: &draws) > 0 {
        token = last
      } else {
        token = (step > most && !closing.isEmpty && Bool.random(using: &draws) ? closing : allowed).randomElement(using: &draws)!
      }
      try constraint.accept(token)
      if token == Schemas.end { return String(validating: text, as: UTF8.self) }
      text += Schemas.tokens[Int(token)]
    }
    return nil
  }

  @Test(arguments: Schemas.all) func everyWalkParsesAndValidates(schema: String) throws {
    let document = try JSON(schema)
    let matcher = try Schemas.matcher(Schemas.grammar(schema))
    for seed in 0..<25 {
      var draws = Draws(UInt64(seed))
      let text = try #require(try Self.walk(GrammarConstraint(matcher), &draws), "no end, or not UTF-8: seed \(seed), \(schema)")
      let value = try #require(try? JSON(text), "seed \(seed): \(text)")
      #expect(Validator(document: document).accepts(value, document), "seed \(seed): \(text) against \(schema)")
    }
  }

  @Test(arguments: Schemas.all) func masksEqualTryingEachToken(schema: String) throws {
    var draws = Draws(UInt64(schema.utf8.count))
    var constraint = try Schemas.constraint(schema)
    for _ in 0..<25 {
      let mask = try constraint.allowed()
      for token in 0..<Int32(Schemas.tokens.count) {
        var copy = constraint
        let fits: Bool
        do { try copy.accept(token); fits = true } catch { fits = false }
        #expect(mask.contains(token) == fits, "token \(token)")
      }
      let next = mask.tokens.randomElement(using: &draws)!
      if next == Schemas.end { break }
      try constraint.accept(next)
    }
  }

  /// Values that Foundation writes, and that satisfy the schema, can be written.
  @Test func anyJSONIsTaken() throws {
    var draws = Draws(1)
    func value(_ depth: Int) -> Any {
      switch Int.random(in: 0..<(depth > 4 ? 4 : 6), using: &draws) {
      case 0: return NSNull()
      case 1: return Bool.random(using: &draws)
      case 2: return Int.random(in: -99999...99999, using: &draws)
      case 3: return String((0..<Int.random(in: 0...6, using: &draws)).map { _ in "aé\"\\\n\u{1}🙂/ ".randomElement(using: &draws)! })
      case 4: return (0..<Int.random(in: 0...3, using: &draws)).map { _ in value(depth + 1) }
      default:
        return Dictionary(uniqueKeysWithValues: (0..<Int.random(in: 0...3, using: &draws)).map { ("k\($0)", value(depth + 1)) })
      }
    }
    for _ in 0..<100 {
      let text = String(decoding: try JSONSerialization.data(withJSONObject: value(0), options: .fragmentsAllowed), as: UTF8.self)
      #expect(try Schemas.accepts("{}", text), "\(text)")
    }
  }

  @Test(arguments: [(-7, 1202), (0, 0), (5, 5), (0, 9), (10, 99), (7, 123), (-1, 1), (-20, -3), (98, 1001), (1000, 1000)]) func integerRangesAreExact(least: Int, greatest: Int)
    throws
  {
    let schema = #"{"type":"integer","minimum":\#(least),"maximum":\#(greatest)}"#
    let matcher = try Schemas.matcher(Schemas.grammar(schema))
    for number in -1300...1300 {
      var constraint = try GrammarConstraint(matcher)
      var fits = true
      for byte in String(number).utf8 { do { try constraint.accept(Int32(byte)) } catch { fits = false; break } }
      #expect(try fits && constraint.isComplete == (least...greatest).contains(number) || !fits && !(least...greatest).contains(number), "\(number) in \(least)...\(greatest)")
    }
  }
}
