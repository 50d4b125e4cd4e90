/// A tokenizer.json, read in one pass: the vocabulary and the merges straight into their tables, everything else as JSON.
struct TokenizerJSON {
  /// Members of the document but `model`, and of `model` but `vocab` and `merges`.
  private(set) var document: [String: OrderedJSON] = [:]
  private(set) var model: [String: OrderedJSON] = [:]
  private(set) var vocabulary = Vocabulary()
  private(set) var merges = MergeTable()
  private let file: String

  static let maximumBytes = 1 << 30
  /// Above as many ids as the file could hold.
  static let roomForHoles = 1 << 20

  /// - Parameter file: for messages.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(ModelFileError) {
    self.file = file
    guard bytes.count <= Self.maximumBytes else {
      throw ModelFileError(.unsupported, "\(file) has \(bytes.count) bytes; a tokenizer.json of up to \(Self.maximumBytes) is read")
    }
    do {
      var scanner = JSONScanner(bytes)
      try read(&scanner)
    } catch let failure as JSONScanner.Failure {
      throw ModelFileError(.malformed, "\(file): \(failure.message) (byte \(failure.position))")
    } catch let error as ModelFileError {
      throw error
    } catch { throw ModelFileError(.malformed, "\(file): \(error)") }
  }

  private mutating func read(_ scanner: inout JSONScanner) throws {
    var hasModel = false
    try members(&scanner) { this, scanner, key in
      if key == "model" {
        hasModel = true
        try this.readModel(&scanner)
      } else {
        this.document[key] = try this.value(&scanner)
      }
    }
    while scanner.position < scanner.bytes.count {
      guard [0x20, 0x0a, 0x0d, 0x09].contains(scanner.bytes[scanner.position]) else { throw scanner.failure("text after the end") }
      scanner.position += 1
    }
    guard hasModel else { throw ModelFileError(.malformed, "\(file): has no model; it is no tokenizer.json") }
  }

  private mutating func readModel(_ scanner: inout JSONScanner) throws {
    var mergesPlace: Int?, hasVocabulary = false
    try members(&scanner) { this, scanner, key in
      switch key {
      case "vocab":
        guard try scanner.peek() == UInt8(ascii: "{") else {
          throw ModelFileError(.unsupported, "\(this.file): the vocabulary is a list, as that of a Unigram model; byte-level BPE is supported")
        }
        try this.readVocabulary(&scanner)
        hasVocabulary = true
      case "merges":
        // Merges name tokens, so they wait for the vocabulary, which all writers put first.
        _ = try scanner.peek()
        mergesPlace = scanner.position
        if hasVocabulary { try this.readMerges(&scanner) } else { try scanner.skip() }
      default: this.model[key] = try this.value(&scanner)
      }
      if key == "vocab", let place = mergesPlace {
        var other = JSONScanner(scanner.bytes, from: place)
        try this.readMerges(&other)
      }
    }
    guard hasVocabulary, mergesPlace != nil else {
      let type = model["type"].map { "\($0)" } ?? "none"
      throw ModelFileError(.unsupported, "\(file): the model has no \(hasVocabulary ? "merges" : "vocabulary") (type: \(type.prefix(60))); byte-level BPE is supported")
    }
  }

  private mutating func members(
    _ scanner: inout JSONScanner, _ member: (inout TokenizerJSON, inout JSONScanner, String) throws -> Void
  ) throws {
    try scanner.expect("{")
    var key: [UInt8] = []
    var seen = Set<String>()
    if try scanner.take("}") { return }
    repeat {
      try scanner.string(into: &key)
      guard let name = String(validating: key, as: UTF8.self) else { throw scanner.failure("a key is not UTF-8") }
      guard seen.insert(name).inserted else { throw scanner.failure("the key \"\(name.prefix(100))\" stands twice") }
      try scanner.expect(":")
      try member(&self, &scanner, name)
    } while try scanner.take(",")
    try scanner.expect("}")
  }

  private func value(_ scanner: inout JSONScanner) throws -> OrderedJSON {
    _ = try scanner.peek()
    let start = scanner.position
    try scanner.skip()
    do throws(OrderedJSON.Failure) {
      return try OrderedJSON(parsing: [UInt8](scanner.bytes[start..<scanner.position]))
    } catch { throw JSONScanner.Failure(message: error.message, position: start + error.position) }
  }

  private mutating func readVocabulary(_ scanner: inout JSONScanner) throws {
    try scanner.expect("{")
    // An entry takes six bytes, and twelve as most are.
    vocabulary = Vocabulary(expecting: min((scanner.bytes.count - scanner.position) / 48, 1 << 18))
    let limit = (scanner.bytes.count - scanner.position) / 6 + Self.roomForHoles
    var text: [UInt8] = []
    if try scanner.take("}") { return }
    repeat {
      try scanner.string(into: &text)
      try scanner.expect(":")
      let id = try scanner.integer()
      guard id <= limit else { throw scanner.failure("the id \(id) is above \(limit), the highest that a file of this size may have") }
      if let refusal = text.withUnsafeBytes({ vocabulary.insert($0, id: id) }) { throw scanner.failure(refusal.sentence(text, id)) }
    } while try scanner.take(",")
    try scanner.expect("}")
  }

  /// Strings of two tokens with a space between them, or pairs.
  private mutating func readMerges(_ scanner: inout JSONScanner) throws {
    try scanner.expect("[")
    merges = MergeTable(expecting: vocabulary.entries)
    if try scanner.take("]") { return }
    var left: [UInt8] = [], right: [UInt8] = [], both: [UInt8] = []
    var rank: Int32 = 0
    repeat {
      let problem: String?
      if try scanner.take("[") {
        try scanner.string(into: &left)
        try scanner.expect(",")
        try scanner.string(into: &right)
        try scanner.expect("]")
        both.removeAll(keepingCapacity: true)
        both.append(contentsOf: left)
        both.append(contentsOf: right)
        problem = left.withUnsafeBytes { left in right.withUnsafeBytes { merges.insert(left, $0, both, rank: rank, vocabulary) } }
      } else {
        try scanner.string(into: &left)
        problem = left.withUnsafeBytes { merges.insert($0, rank: rank, vocabulary, &both) }
      }
      if let problem { throw scanner.failure("merge \(rank) \(problem)") }
      rank += 1
    } while try scanner.take(",")
    try scanner.expect("]")
  }
}

extension Vocabulary.Refusal {
  /// What is wrong with a token.
  func sentence(_ text: [UInt8], _ id: Int) -> String {
    let shown = "\"\(String(decoding: text.prefix(100), as: UTF8.self))\""
    switch self {
    case .textTwice: return "the token \(shown) stands twice"
    case .identifierTwice: return "the token \(shown) has the id \(id), which another has"
    case .notUTF8: return "the token \(shown) with the id \(id) is not UTF-8"
    case .tooLong: return "the tokens have more than \(Vocabulary.maximumTextBytes) bytes together"
    }
  }
}
