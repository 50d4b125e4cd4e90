/// The output's tokenizer: another model's files as they are, or rewritten for a vocabulary that no model has.
struct TokenizerFiles {
  /// Files of the vocabulary itself. Only tokenizer.json can be rewritten, the others are left out then: loaders that
  /// find them would trust them.
  private static let vocabularyNames = [
    "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt", "merges.txt", "tekken.json",
  ]

  /// The model whose tokenizer it is made from.
  let source: FolderFiles
  /// Nil where the files hold as they are.
  let rewriting: VocabularyPlan?
  /// Nil where the source's stays.
  let chatTemplate: String?

  func write(into target: DurableFolder) throws(MergeError) {
    if let rewriting {
      try target.write(try MergedTokenizer(rewriting).document, as: "tokenizer.json")
      if source.exists("added_tokens.json") { try target.write(addedTokens(rewriting), as: "added_tokens.json") }
    } else {
      for name in ["tokenizer.json", "added_tokens.json"] + Self.vocabularyNames { try copy(name, into: target) }
    }
    try copy("special_tokens_map.json", into: target)
    try writeConfiguration(into: target)
    try writeChatTemplate(into: target)
  }

  private func copy(_ name: String, into target: DurableFolder) throws(MergeError) {
    if source.exists(name) { try target.copy(name, from: source) }
  }

  private func addedTokens(_ plan: VocabularyPlan) -> OrderedJSON {
    .object(OrderedJSON.Object(members: plan.addedTokens.map { OrderedJSON.Member(key: $0.content.text, value: .integer($0.id)) }))
  }

  private func writeConfiguration(into target: DurableFolder) throws(MergeError) {
    guard rewriting != nil || chatTemplate != nil else { return try copy("tokenizer_config.json", into: target) }
    var configuration = try source.jsonObject("tokenizer_config.json") ?? OrderedJSON.Object()
    if let rewriting {
      configuration["added_tokens_decoder"] = .object(
        OrderedJSON.Object(members: rewriting.addedTokens.map { OrderedJSON.Member(key: String($0.id), value: $0.decoderEntry) }))
    }
    if let chatTemplate { configuration["chat_template"] = .string(chatTemplate) }
    try target.write(.object(configuration), as: "tokenizer_config.json")
  }

  private func writeChatTemplate(into target: DurableFolder) throws(MergeError) {
    guard let chatTemplate else {
      try copy("chat_template.jinja", into: target)
      try copy("chat_template.json", into: target)
      return
    }
    try target.write(chatTemplate, as: "chat_template.jinja")
    // Processors of multimodal models read this one.
    if source.exists("chat_template.json") {
      try target.write(.object(["chat_template": .string(chatTemplate)]), as: "chat_template.json")
    }
  }
}
