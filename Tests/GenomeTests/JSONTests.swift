import CentramGenome
import Fuzzing
import GateCorpus
import Testing

@Suite struct JSONTests {
  private func error(_ text: String) -> GenomeError? { thrown { () throws(GenomeError) in try JSONValue(parsing: Array(text.utf8), name: "it") } }

  @Test func readsWhatJSONIs() throws {
    let value = try JSONValue(parsing: Array(#" {"a" : [1, -0.5e+3, true, false, null, "x\n\u00e9\ud83d\ude00\/"], "b":{}} "#.utf8), name: "it")
    #expect(
      value
        == .object([
          .init("a", .array([.number("1"), .number("-0.5e+3"), .boolean(true), .boolean(false), .null, .string("x\né😀/")])), .init("b", .object([])),
        ]))
    #expect(try JSONValue(parsing: Array(value.text.utf8), name: "it") == value)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{a:1}", "01", "-", "1.", "1e", "+1", ".5", "NaN", "Infinity", "tru", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"",
    "\"\\udc00\"", "\"\\ud800\\u0041\"", "1 2", "[1 2]", "{\"a\" 1}", "'a'", "\"a", "\"\\", "\"\\u12",
  ]) func refusesWhatIsNone(text: String) { #expect(error(text)?.code == .malformed, "\(text)") }

  @Test func keysThatAreEqualAfterEscapesAreOne() {
    #expect(error(#"{"a":1,"\u0061":2}"#)?.message.contains("stands twice") == true)
    // Composed and decomposed letters look alike, so they are one key too.
    #expect(error("{\"\u{e9}\":1,\"e\u{301}\":2}")?.code == .malformed)
  }

  @Test func refusesBytesThatAreNotUTF8() {
    #expect(thrown { () throws(GenomeError) in try JSONValue(parsing: [0x22, 0xff, 0x22], name: "it") }?.message.contains("UTF-8") == true)
    #expect(thrown { () throws(GenomeError) in try JSONValue(parsing: [0x22, 0xed, 0xa0, 0x80, 0x22], name: "it") }?.code == .malformed)
  }

  @Test func goesSixteenLevelsDeepAndNoFurther() {
    func lists(_ count: Int) -> String { String(repeating: "[", count: count) + String(repeating: "]", count: count) }
    #expect(error(lists(16)) == nil)
    #expect(error(lists(17))?.code == .tooLarge)
    #expect(error(String(repeating: "{\"a\":", count: 17) + "1" + String(repeating: "}", count: 17))?.code == .tooLarge)
    #expect(error(String(repeating: "[", count: 1_000_000))?.code == .tooLarge)
  }
}

@Suite struct GenomeFuzzTests {
  /// Bytes with a few changed, taken out, put in or repeated.
  private func mutated(_ bytes: [UInt8], _ random: inout FuzzGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[place] = Array("{}[]\",:0123456789-.eE\\utfn".utf8).randomElement(using: &random)!
      case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...32, using: &random)))
      case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + Int.random(in: 1...32, using: &random))], at: place)
      default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
    }
    return bytes
  }

  @Test func everyMutatedManifestIsReadOrRefusedWithATypedError() throws {
    let fuzz = Fuzz("manifests", rounds: 4000)
    var random = fuzz.random
    let original = try fullManifest().encoded()
    var read = 0
    for round in 0..<fuzz.rounds {
      let bytes = mutated(original, &random)
      do throws(GenomeError) {
        let manifest = try Manifest(parsing: bytes)
        read += 1
        let again = try Manifest(parsing: manifest.encoded())
        #expect(again == manifest, "seed \(fuzz.seed), round \(round)")
      } catch { #expect(!error.message.isEmpty, "seed \(fuzz.seed), round \(round)") }
    }
    #expect(read > 0 && read < fuzz.rounds)
  }

  @Test func everyMutatedAdapterIsReadOrRefusedWithATypedError() throws {
    let fuzz = Fuzz("adapters", rounds: 1500)
    var random = fuzz.random
    let shape = CorpusShape(layers: 1, width: 4, hidden: 4, rank: 2)
    let weights = shape.weights(shape.factors(seed: 1)), configuration = shape.configuration()
    for round in 0..<fuzz.rounds {
      let (one, other) = (mutated(configuration, &random), mutated(weights, &random))
      let isMutated = round % 2 == 0
      let outcome: Result<Int, GenomeError> = (isMutated ? weights : other).withUnsafeBytes { lent in
        do throws(GenomeError) {
          let adapter = try AdapterMatrices(configuration: isMutated ? one : configuration, weights: lent)
          return .success(adapter.pairs.reduce(0) { $0 + adapter.factors(of: $1).a.count } + UpdateSketch(adapter, key: [1]).values.count)
        } catch { return .failure(error) }
      }
      if case .failure(let error) = outcome { #expect(!error.message.isEmpty, "seed \(fuzz.seed), round \(round)") }
    }
  }
}
