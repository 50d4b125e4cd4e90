import CentramGenome
import GateCorpus
import Testing

@Suite struct ManifestTests {
  @Test func survivesTheRoundTripByteForByte() throws {
    let manifest = fullManifest()
    let bytes = try manifest.encoded()
    let read = try Manifest(parsing: bytes)
    #expect(read == manifest)
    #expect(try read.encoded() == bytes)
    let plain = CorpusWorld().draft(author: 2, seed: 2).manifest
    #expect(try Manifest(parsing: plain.encoded()) == plain)
  }

  static let required = [
    "schema", "id", "base", "kind", "files", "parents", "generation", "author", "sequence", "madeMilliseconds", "domain", "trainer", "metrics", "license", "agent",
    "files.0.name", "files.0.size", "files.0.sha256", "files.0.chunkSize", "files.0.chunks", "parents.0.id", "parents.0.weight", "recipe.operator", "recipe.version",
    "recipe.parameters", "trainer.id", "trainer.version", "privacy.epsilon", "privacy.delta", "privacy.noiseMultiplier", "privacy.sampleRate", "privacy.steps",
    "privacy.clippingNorm", "privacy.mechanism", "privacy.sampling",
  ]

  @Test(arguments: required) func eachKeyIsNeeded(path: String) throws {
    let error = try #require(try refusal(path, nil))
    #expect(error.code == .missingKey && error.message.contains(path.split(separator: ".").last!), "\(error)")
  }

  @Test(arguments: ["recipe", "previous", "privacy"]) func theseMayBeAbsent(path: String) throws { #expect(try refusal(path, nil) == nil) }

  @Test(arguments: required + ["recipe", "previous", "privacy", "metrics.loss", "recipe.parameters.rank"]) func eachKeyHasItsType(path: String) throws {
    let wrong: [JSONValue] = [.null, .array([.null]), .object([.init("x", .null)])]
    for value in wrong {
      let error = try refusal(path, value)
      #expect(error != nil, "\(path) takes \(value.text)")
      #expect([.wrongType, .unknownKey, .missingKey, .outOfRange].contains(error?.code ?? .malformed), "\(path) \(value.text): \(String(describing: error))")
    }
  }

  @Test func anUnknownKeyIsRefusedWithTheNearestName() throws {
    let error = try #require(try refusal("licence", .string("MIT")))
    #expect(error.code == .unknownKey && error.message.contains("nearest: license"))
    #expect(try refusal("files.0.path", .string("x"))?.code == .unknownKey)
    #expect(try refusal("privacy.salt", .string("x"))?.code == .unknownKey)
  }

  static func digits(_ character: Character, _ count: Int) -> String { String(repeating: character, count: count) }

  /// A value at its limit, and the next beyond it.
  static let limits: [(path: String, inside: JSONValue, outside: JSONValue)] = [
    ("schema", .number("1"), .number("2")), ("schema", .number("1"), .number("0")), ("kind", .string("adapter"), .string("adaptor")),
    ("generation", .number("65535"), .number("65536")), ("generation", .number("0"), .number("-1")), ("sequence", .number("1"), .number("0")),
    ("sequence", .number("9007199254740991"), .number("9007199254740992")), ("madeMilliseconds", .number("1"), .number("0")),
    ("madeMilliseconds", .number("9007199254740991"), .number("9007199254740992")), ("id", .string(digits("a", 64)), .string(digits("a", 63))),
    ("id", .string(digits("0", 64)), .string(digits("0", 65))), ("base", .string(digits("f", 64)), .string(digits("F", 64))),
    ("author", .string(digits("0", 64)), .string(digits("g", 64))), ("previous", .string(digits("1", 64)), .string("")),
    ("domain", .string(digits("d", 128)), .string(digits("d", 129))), ("domain", .string("d"), .string("")), ("domain", .string("d"), .string("a\u{7}b")),
    ("license", .string(digits("d", 128)), .string(digits("d", 129))), ("agent", .string(digits("d", 128)), .string(digits("d", 129))),
    ("trainer.id", .string(digits("d", 128)), .string(digits("d", 129))), ("trainer.version", .string(digits("d", 64)), .string(digits("d", 65))),
    ("recipe.operator", .string(digits("d", 128)), .string(digits("d", 129))), ("recipe.version", .string(digits("d", 64)), .string(digits("d", 65))),
    ("recipe.parameters.mode", .string(digits("d", 1024)), .string(digits("d", 1025))), ("recipe.parameters.rank", .number("1e308"), .number("1e309")),
    ("files.0.name", .string(digits("a", 128)), .string(digits("a", 129))), ("files.0.name", .string("a_-.9"), .string("../a")),
    ("files.0.name", .string("a"), .string(".a")), ("files.0.size", .number("1099511627776"), .number("1099511627777")), ("files.0.size", .number("0"), .number("-1")),
    ("files.0.chunkSize", .number("1"), .number("0")), ("files.0.chunkSize", .number("1048576"), .number("1048577")), ("files.0.size", .number("1"), .number("1.0")),
    ("parents.0.weight", .number("10000"), .number("10001")), ("parents.0.weight", .number("0"), .number("-1")), ("metrics.loss", .number("-1.7e308"), .number("1e999")),
    ("privacy.epsilon", .number("0"), .number("-0.001")), ("privacy.delta", .number("1"), .number("1.0001")), ("privacy.sampleRate", .number("1"), .number("1.01")),
    ("privacy.noiseMultiplier", .number("0"), .number("-1")), ("privacy.clippingNorm", .number("0"), .number("-1")),
    ("privacy.steps", .number("1000000000"), .number("1000000001")), ("privacy.mechanism", .string(digits("m", 64)), .string(digits("m", 65))),
    ("privacy.sampling", .string(digits("m", 64)), .string(digits("m", 65))), ("files", .array([file("a")]), .array([])),
    ("files", .array((0..<16).map { file("a\($0 + 10)") }), .array((0..<17).map { file("a\($0 + 10)") })),
    ("files", .array([file("a"), file("b")]), .array([file("b"), file("a")])), ("files", .array([file("a"), file("b")]), .array([file("a"), file("a")])),
    ("parents", .array((0..<256).map(parent)), .array((0..<257).map(parent))), ("metrics", table(64), table(65)), ("recipe.parameters", table(64), table(65)),
    ("metrics", .object([.init(digits("m", 128), .number("1"))]), .object([.init(digits("m", 129), .number("1"))])),
  ]

  static func file(_ name: String) -> JSONValue {
    .object([
      .init("name", .string(name)), .init("size", .number("1")), .init("sha256", .string(digits("0", 64))), .init("chunkSize", .number("1")),
      .init("chunks", .string(digits("0", 64))),
    ])
  }
  static func parent(_ number: Int) -> JSONValue {
    .object([.init("id", .string(Hexadecimal.text(SHA256.digest(of: Array("\(number)".utf8))))), .init("weight", .number("1"))])
  }
  static func table(_ count: Int) -> JSONValue { .object((0..<count).map { .init("m\($0)", .number("\($0)")) }) }

  @Test(arguments: limits.indices) func takesALimitAndNothingBeyond(index: Int) throws {
    let (path, inside, outside) = Self.limits[index]
    let taken = try refusal(path, inside)
    #expect(taken == nil, "\(path) \(inside.text.prefix(100)): \(String(describing: taken))")
    let refused = try refusal(path, outside)
    #expect(refused != nil, "\(path) takes \(outside.text.prefix(100))")
    #expect([.outOfRange, .inconsistent].contains(refused?.code ?? .malformed), "\(String(describing: refused))")
  }

  @Test func hasAtMost64KiB() throws {
    let text = try fullManifest().encoded()
    let padding = Array(repeating: UInt8(ascii: " "), count: Manifest.maximumLength - text.count)
    #expect(thrown { () throws(GenomeError) in try Manifest(parsing: text + padding) } == nil)
    let error = thrown { () throws(GenomeError) in try Manifest(parsing: text + padding + [0x20]) }
    #expect(error?.code == .tooLarge)
  }

  @Test func nothingIsWrittenThatNobodyReads() throws {
    var manifest = fullManifest()
    manifest.metrics = [.init("loss", .nan)]
    #expect(thrown { () throws(GenomeError) in try manifest.encoded() }?.code == .notFinite)
    manifest = fullManifest()
    manifest.domain = ""
    #expect(thrown { () throws(GenomeError) in try manifest.encoded() }?.code == .outOfRange)
    manifest = fullManifest()
    manifest.files.reverse()
    #expect(thrown { () throws(GenomeError) in try manifest.encoded() }?.code == .inconsistent)
  }
}
