import Foundation
import Testing

@testable import CentramNode

@Suite struct OrderedJSONTests {
  private func parse(_ text: String) throws -> OrderedJSON { try OrderedJSON(parsing: Array(text.utf8)) }

  private func rewritten(_ text: String) throws -> String { String(decoding: try parse(text).serialized(), as: UTF8.self) }

  @Test func keepsOrderOfKeysAndSpellingOfNumbers() throws {
    let text = "{\n  \"z\": 1000000000000000019884624838656,\n  \"a\": 1e-05,\n  \"m\": [\n    -0.0,\n    1.0\n  ]\n}\n"
    #expect(try rewritten(text) == text)
  }

  @Test func writesConfigurationsOfTheGoldensByteForByteAsTheyWere() throws {
    let models = try FileManager.default.contentsOfDirectory(atPath: MergeGolden.path("models"))
    #expect(models.count > 10)
    for model in models {
      for name in ["tokenizer.json", "tokenizer_config.json"] {
        guard let bytes = try FolderFiles(folder: MergeGolden.model(model)).read(name) else { continue }
        var written = try OrderedJSON(parsing: bytes).serialized()
        if bytes.last != 0x0a { written.removeLast() }
        #expect(written == bytes, "\(model)/\(name)")
      }
    }
  }

  @Test func keepsNumbersThatOnlyPythonWrites() throws {
    let text = "[\n  NaN,\n  Infinity,\n  -Infinity\n]\n"
    #expect(try rewritten(text) == text)
  }

  @Test func readsEscapesAndWritesThemBack() throws {
    let value = try parse(#""\"\\\/\b\f\n\r\té\u0041\uD83D\uDE00""#)
    #expect(value == .string("\"\\/\u{8}\u{c}\n\r\té\u{41}😀"))
    let again = try OrderedJSON(parsing: value.serialized())
    #expect(again == value)
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "[1 2]", "1 2", "01", "-", "1.", ".5", "1e", "+1", "tru", "nul", "Nan",
    "\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "{\"a\":1,\"a\":2}", "'a'",
    "{\"a\":1}}", "\u{feff}1",
  ])
  func refusesWhatIsNotJSON(_ text: String) {
    #expect(throws: OrderedJSON.Failure.self) { try parse(text) }
  }

  @Test func refusesBytesThatAreNotUTF8() {
    #expect(throws: OrderedJSON.Failure(message: "a string is not UTF-8", position: 3)) { try OrderedJSON(parsing: [0x22, 0xff, 0x22]) }
  }

  @Test func tellsKeysApartThatUnicodeCallsEquivalent() throws {
    let value = try parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}")
    #expect(value["\u{e9}"] == .integer(1))
    #expect(value["e\u{301}"] == .integer(2))
  }

  @Test func boundsTheDepth() throws {
    let limit = OrderedJSON.maximumDepth
    #expect(throws: Never.self) { try parse(String(repeating: "[", count: limit) + String(repeating: "]", count: limit)) }
    for opening in ["[", "{\"a\":"] {
      #expect(throws: OrderedJSON.Failure.self) { try parse(String(repeating: opening, count: 1_000_000)) }
    }
  }

  @Test func setsInPlaceOrBehindANeighbour() throws {
    var object: OrderedJSON.Object = ["a": .integer(1), "b": .integer(2)]
    object.set("a2", .integer(3), after: "a")
    object.set("b", .integer(4), after: "a")
    object.set("c", .integer(5), after: "missing")
    object["a"] = nil
    #expect(object == ["a2": .integer(3), "b": .integer(4), "c": .integer(5)])
  }

  /// Each mutation is read or refused; what is read is written and read again to the same bytes.
  @Test func survivesTwentyThousandMutationsOfRealFiles() throws {
    var numbers = SeededNumbers.printed("OrderedJSON fuzz")
    let files = try ["llama-base-f32/config.json", "qwen-a-f32/config.json", "llama-alttok-f32/tokenizer.json", "llama-base-f32/tokenizer_config.json"]
      .map { Array(try Data(contentsOf: URL(fileURLWithPath: MergeGolden.model($0)))) }
    let alphabet = Array("{}[]\",:\\u0019eE+-.tfnNI \n\u{0}".utf8) + [0xff, 0xc3, 0xed, 0xa0]
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = files.randomElement(using: &numbers)!
      for _ in 0..<Int.random(in: 1...4, using: &numbers) {
        let place = Int.random(in: 0..<bytes.count, using: &numbers)
        switch Int.random(in: 0..<5, using: &numbers) {
        case 0: bytes[place] = alphabet.randomElement(using: &numbers)!
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 2: bytes.insert(alphabet.randomElement(using: &numbers)!, at: place)
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &numbers)))
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + Int.random(in: 1...40, using: &numbers))], at: place)
        }
        if bytes.isEmpty { bytes = [0x5b] }
      }
      guard let value = try? OrderedJSON(parsing: bytes) else { continue }
      accepted += 1
      let written = value.serialized()
      let again = try OrderedJSON(parsing: written).serialized()
      #expect(again == written)
    }
    #expect(accepted > 0)
  }
}
