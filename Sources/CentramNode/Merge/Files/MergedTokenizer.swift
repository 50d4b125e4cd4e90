/// Writes the tokenizer of a plan whose tokens no single model has: the pattern's tokenizer.json with the output's
/// vocabulary, merges and added tokens; everything else of it (normalizer, pre-tokenizer, decoder, …) stays.
struct MergedTokenizer {
  let plan: VocabularyPlan
  /// In the order in which they count: the pattern, then the others where the output is a union.
  private let documents: [OrderedJSON.Object]

  /// Reads the tokenizer.json of all models that contribute.
  init(_ plan: VocabularyPlan) throws(MergeError) {
    self.plan = plan
    let others = plan.isUnion ? plan.models.indices.filter { $0 != plan.pattern } : []
    var documents: [OrderedJSON.Object] = []
    for index in [plan.pattern] + others {
      let files = FolderFiles(folder: plan.models[index].folder)
      guard let document = try files.jsonObject("tokenizer.json") else {
        throw MergeError(.input, "\(plan.models[index].reference): tokenizer.json is gone")
      }
      documents.append(document)
    }
    self.documents = documents
  }

  var document: OrderedJSON {
    var document = documents[0]
    var model = document["model"]?.object ?? OrderedJSON.Object()
    switch plan.models[plan.pattern].vocabulary.kind {
    case .unigram: model["vocab"] = .array(pieces)
    case .bpe:
      model["vocab"] = vocabulary
      model["merges"] = MergeList(documents, prefix: model["continuing_subword_prefix"]?.string) { plan.id(of: $0) != nil }.json
    case .wordPiece, .wordLevel: model["vocab"] = vocabulary
    }
    document["model"] = .object(model)
    document["added_tokens"] = .array(plan.addedTokens.map(\.tokenizerEntry))
    return .object(document)
  }

  /// Added tokens stand among the others: the tokenizers library numbers those that do not by their order, whatever
  /// their `id` says.
  private var vocabulary: OrderedJSON {
    .object(OrderedJSON.Object(members: plan.entries.map { OrderedJSON.Member(key: $0.text.text, value: .integer($0.id)) }))
  }

  /// The Unigram model's list, in which a token's place is its id.
  private var pieces: [OrderedJSON] {
    var scores: [ExactText: OrderedJSON] = [:], lowest = 0.0
    for document in documents {
      for piece in document["model"]?["vocab"]?.array ?? [] {
        guard let pair = piece.array, pair.count == 2, let text = pair[0].string, case .number(let score) = pair[1] else { continue }
        lowest = min(lowest, Double(score) ?? 0)
        if scores[ExactText(text)] == nil { scores[ExactText(text)] = pair[1] }
      }
    }
    // Less likely than every piece: the model never picks it, the search for added tokens does.
    let unlikely = OrderedJSON.number(String(lowest - 10))
    var texts = [ExactText?](repeating: nil, count: plan.tokenRows)
    for entry in plan.entries where texts[entry.id] == nil { texts[entry.id] = entry.text }
    return texts.enumerated().map { id, text in
      let text = text ?? ExactText("<|unused_\(id)|>")
      return .array([.string(text.text), scores[text] ?? unlikely])
    }
  }
}

/// The merges of several BPE models, each pair once, in the order of their ranks.
private struct MergeList {
  private struct Pair: Hashable {
    let left: ExactText
    let right: ExactText
  }

  private var pairs: [Pair] = []
  /// Older files write a pair as one string with a space.
  private let areStrings: Bool

  /// - Parameters:
  ///   - prefix: the first model's mark of a piece inside a word.
  ///   - isToken: whether the output has a token; a merge of others would keep the file from loading.
  init(_ documents: [OrderedJSON.Object], prefix: String?, isToken: (ExactText) -> Bool) {
    areStrings = documents[0]["model"]?["merges"]?.array?.first?.string != nil
    var seen = Set<Pair>()
    for document in documents {
      for merge in document["model"]?["merges"]?.array ?? [] {
        guard let pair = Self.pair(merge), isToken(pair.left), isToken(pair.right), isToken(Self.result(of: pair, prefix: prefix)),
          seen.insert(pair).inserted
        else { continue }
        pairs.append(pair)
      }
    }
  }

  var json: OrderedJSON {
    func hasSpace(_ text: ExactText) -> Bool { text.text.utf8.contains(0x20) }
    if areStrings, !pairs.contains(where: { hasSpace($0.left) || hasSpace($0.right) }) {
      return .strings(pairs.map { "\($0.left) \($0.right)" })
    }
    return .array(pairs.map { .strings([$0.left.text, $0.right.text]) })
  }

  private static func pair(_ merge: OrderedJSON) -> Pair? {
    if let parts = merge.array {
      guard parts.count == 2, let left = parts[0].string, let right = parts[1].string else { return nil }
      return Pair(left: ExactText(left), right: ExactText(right))
    }
    guard let parts = merge.string?.split(separator: " ", omittingEmptySubsequences: false), parts.count == 2 else { return nil }
    return Pair(left: ExactText(String(parts[0])), right: ExactText(String(parts[1])))
  }

  private static func result(of pair: Pair, prefix: String?) -> ExactText {
    guard let prefix, pair.right.text.utf8.starts(with: prefix.utf8) else { return ExactText(pair.left.text + pair.right.text) }
    return ExactText(pair.left.text + String(decoding: pair.right.text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self))
  }
}
