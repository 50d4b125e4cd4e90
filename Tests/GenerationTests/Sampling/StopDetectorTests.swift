import CentramModel
import Testing

@Suite struct StopDetectorTests {
  private func run(_ stops: [String], _ pieces: [String]) throws -> (text: String, found: String?) {
    var detector = try StopDetector(stops)
    var text = ""
    for piece in pieces { text += detector.consume(piece) }
    return (text + detector.finish(), detector.found)
  }

  @Test func stopsAcrossPieces() throws {
    let result = try run(["<|end|>"], ["Hello <|", "en", "d|> more"])
    #expect(result.text == "Hello " && result.found == "<|end|>")
  }

  @Test func holdsBackOnlyWhatMayBecomeAStop() throws {
    var detector = try StopDetector(["abcabd", "xyz"])
    #expect(detector.consume("1abcab") == "1")
    // Of "abcabc" only the second "abc" can begin a stop.
    #expect(detector.consume("c") == "abc")
    #expect(detector.consume("q") == "abcq")
    #expect(detector.consume("xy") == "")
    #expect(detector.finish() == "xy")
    #expect(detector.found == nil)
  }

  @Test func theStopThatEndsFirstWins() throws {
    #expect(try run(["bcd", "c"], ["abcd"]).text == "ab")
    #expect(try run(["bc", "c"], ["abcd"]) == ("a", "bc"))
    #expect(try run(["é!"], ["caf", "é", "!x"]) == ("caf", "é!"))
  }

  @Test func nothingComesAfterAStop() throws {
    var detector = try StopDetector(["\n"])
    #expect(detector.consume("a\nb") == "a")
    #expect(detector.consume("c") == "")
    #expect(detector.finish() == "")
  }

  @Test func refusesEmptyAndHugeStops() {
    #expect(throws: GenerationError.self) { try StopDetector([""]) }
    #expect(throws: GenerationError.self) { try StopDetector([String(repeating: "a", count: 1001)]) }
    #expect(throws: GenerationError.self) { try StopDetector((0..<65).map { "\($0)" }) }
  }

  /// However a text is cut, the same comes out as from a search in the whole of it.
  @Test(arguments: 0..<200) func cutsDoNotMatter(seed: Int) throws {
    var draws = Draws(UInt64(seed))
    let alphabet = ["a", "b", "é", "🙂"]
    func word(_ lengths: ClosedRange<Int>) -> String { (0..<Int.random(in: lengths, using: &draws)).map { _ in alphabet.randomElement(using: &draws)! }.joined() }
    let stops = (0..<Int.random(in: 1...3, using: &draws)).map { _ in word(1...4) }
    let text = word(0...30)
    var pieces: [String] = []
    for character in text { if Bool.random(using: &draws) || pieces.isEmpty { pieces.append(String(character)) } else { pieces[pieces.count - 1].append(character) } }
    let bytes = Array(text.utf8)
    // The first end of any stop, and of those that end there the longest.
    var expected = text
    search: for end in 0...bytes.count {
      for stop in stops.sorted(by: { $0.utf8.count > $1.utf8.count }) where bytes[..<end].reversed().starts(with: stop.utf8.reversed()) {
        expected = String(decoding: bytes[..<(end - stop.utf8.count)], as: UTF8.self)
        break search
      }
    }
    #expect(try run(stops, pieces).text == expected, "seed \(seed): \(stops) in \(pieces)")
  }
}
