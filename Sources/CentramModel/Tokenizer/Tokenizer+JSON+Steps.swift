extension TokenizerJSONParts {
  func normalizer(_ json: OrderedJSON?) throws(ModelFileError) -> Normalizer {
    guard let json, json != .null else { return .none }
    switch json["type"]?.text {
    case "NFC": return .nfc
    case "Sequence":
      var result = Normalizer.none
      for part in json["normalizers"]?.items ?? [] where try normalizer(part) == .nfc { result = .nfc }
      return result
    default: throw unsupported("the normalizer is \(json["type"]?.shown ?? "unnamed"); NFC, or none, is supported")
    }
  }

  /// - Parameter isByteLevel: set where bytes become the alphabet's characters, which nothing may follow.
  func preTokenizer(_ json: OrderedJSON?, _ isByteLevel: inout Bool) throws(ModelFileError) -> [PreTokenizer.Step] {
    guard let json, json != .null else { return [] }
    guard !isByteLevel else { throw unsupported("the pre-tokenizer goes on behind ByteLevel, which must be the last") }
    switch json["type"]?.text {
    case "Sequence":
      var steps: [PreTokenizer.Step] = []
      for part in json["pretokenizers"]?.items ?? [] { steps += try preTokenizer(part, &isByteLevel) }
      return steps
    case "ByteLevel":
      isByteLevel = true
      let prefix: [PreTokenizer.Step] = json["add_prefix_space"] == .boolean(false) ? [] : [.prefixSpace]
      return prefix + (json["use_regex"] == .boolean(false) ? [] : [.words(.gpt2)])
    case "Digits": return [.digits(alone: json["individual_digits"] == .boolean(true))]
    case "Split": return [try split(json)]
    default: throw unsupported("the pre-tokenizer is \(json["type"]?.shown ?? "unnamed"); ByteLevel, Split, Digits and Sequence are supported")
    }
  }

  private func split(_ json: OrderedJSON) throws(ModelFileError) -> PreTokenizer.Step {
    let behavior: PreTokenizer.Behavior
    switch json["behavior"]?.text {
    case "Removed": behavior = .removed
    case "Isolated": behavior = .isolated
    case "MergedWithPrevious": behavior = .mergedWithPrevious
    case "MergedWithNext": behavior = .mergedWithNext
    case "Contiguous": behavior = .contiguous
    default: throw malformed("the behavior of a Split is \(json["behavior"]?.shown ?? "missing")")
    }
    let inverted = json["invert"] == .boolean(true)
    if let text = json["pattern"]?["String"]?.text {
      do throws(SplitPatternFailure) {
        return .split(try SplitPattern(literal: text), behavior, inverted: inverted)
      } catch { throw unsupported("the text of a Split: \(error.message)") }
    }
    guard let text = json["pattern"]?["Regex"]?.text else { throw malformed("the pattern of a Split is neither a String nor a Regex") }
    // A scanner leaves nothing between its words, so what would become of that does not matter.
    if let scanner = WordScanner(pattern: text), behavior == .isolated || (behavior == .removed && inverted) { return .words(scanner) }
    do throws(SplitPatternFailure) {
      return .split(try SplitPattern(text), behavior, inverted: inverted)
    } catch { throw unsupported("the regular expression of a Split, \(text.prefix(200)): \(error.message)") }
  }

  func checkDecoder(_ json: OrderedJSON?) throws(ModelFileError) {
    let parts = json?["type"]?.text == "Sequence" ? json?["decoders"]?.items ?? [] : [json ?? .null]
    guard parts.count == 1, parts[0]["type"]?.text == "ByteLevel" else {
      throw unsupported("the decoder is \(parts.map { $0["type"]?.shown ?? "none" }.joined(separator: ", ")); ByteLevel is supported")
    }
  }

  /// The tokens that a rule puts around a text.
  mutating func postProcessor(_ json: OrderedJSON?) throws(ModelFileError) {
    guard let json, json != .null else { return }
    switch json["type"]?.text {
    case "ByteLevel": return
    case "Sequence": for part in json["processors"]?.items ?? [] { try postProcessor(part) }
    case "TemplateProcessing": try template(json)
    default: throw unsupported("the post-processor is \(json["type"]?.shown ?? "unnamed"); ByteLevel, TemplateProcessing and Sequence are supported")
    }
  }

  private mutating func template(_ json: OrderedJSON) throws(ModelFileError) {
    var before: [Int32] = [], after: [Int32] = [], texts = 0
    for piece in json["single"]?.items ?? [] {
      if piece["Sequence"] != nil {
        texts += 1
        continue
      }
      guard let name = piece["SpecialToken"]?["id"]?.text, let ids = json["special_tokens"]?[name]?["ids"]?.items, ids.count <= 64 else {
        throw malformed("the post-processor's template names a token without ids")
      }
      for id in ids {
        guard case .number(let number) = id, let token = Int32(exactly: number), parts.vocabulary.contains(Int(token)) else {
          throw malformed("the post-processor's token \(name.prefix(100)) has the id \(id.shown), which no token has")
        }
        if texts == 0 { before.append(token) } else { after.append(token) }
      }
    }
    guard texts == 1 else { throw unsupported("the post-processor's template has the text \(texts) times; once is supported") }
    guard before.count + after.count <= 64 else { throw malformed("the post-processor's template adds \(before.count + after.count) tokens; 64 is the limit") }
    // Of several rules the last stands outermost.
    parts.prefix = before + parts.prefix
    parts.suffix += after
  }

  /// tokenizer_config.json: the names of tokens. They are texts, or objects with a `content`.
  mutating func readConfiguration(_ bytes: [UInt8]) throws(ModelFileError) {
    let json: OrderedJSON
    do throws(OrderedJSON.Failure) {
      json = try OrderedJSON(parsing: bytes)
    } catch { throw ModelFileError(.malformed, "tokenizer_config.json: \(error.message) (byte \(error.position))") }
    func token(_ key: String) -> Int32? { (json[key]?.text ?? json[key]?["content"]?.text).flatMap { parts.vocabulary.identifier($0) } }
    parts.beginToken = token("bos_token")
    parts.endTokens = token("eos_token").map { [$0] } ?? []
    parts.paddingToken = token("pad_token")
    parts.unknownToken = token("unk_token") ?? parts.unknownToken
  }
}

extension Vocabulary {
  func identifier(_ text: String) -> Int32? {
    var text = text
    return text.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }.map { Int32($0) }
  }
}
