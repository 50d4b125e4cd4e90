extension TokenizerConfiguration {
  /// Reads `tokenizer` or `tokenizer_source`.
  static func parse(_ fields: ConfigurationFields, hasBase: Bool, _ context: ParsingContext) throws(MergeError) -> TokenizerConfiguration? {
    let result: TokenizerConfiguration
    switch (fields["tokenizer"], fields["tokenizer_source"]) {
    case (nil, nil): return nil
    case (_?, let source?): throw source.error("there is tokenizer already; give only one of tokenizer or tokenizer_source")
    case (nil, let cursor?):
      result = .init(source: try source(cursor, context), tokens: [], padToMultipleOf: nil, place: cursor.place)
    case (let cursor?, nil):
      guard case .map = cursor.node.content else {
        throw cursor.error("a mapping is needed here, not \(cursor.node.kind); write tokenizer: {source: union}, or tokenizer_source: union")
      }
      let inner = try cursor.fields(["source", "tokens", "pad_to_multiple_of"], "a mapping")
      var tokens: [Token] = []
      for (text, value) in try inner["tokens"]?.values("a mapping of tokens") ?? [] { tokens.append(try Token(text, value, context)) }
      result = .init(
        source: try inner["source"].map { cursor throws(MergeError) in try source(cursor, context) } ?? .union, tokens: tokens,
        padToMultipleOf: try inner["pad_to_multiple_of"]?.integer(1...1 << 20), place: cursor.place)
    }
    if result.source == .base, !hasBase { throw result.place.error("the source base needs a base_model") }
    return result
  }

  private static func source(_ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) -> Source {
    if case .text(let text) = cursor.node.content {
      switch text {
      case "union": return .union
      case "base": return .base
      default: break
      }
    }
    return .model(try ModelReference(cursor, context))
  }
}

extension TokenizerConfiguration.Token {
  fileprivate init(_ text: String, _ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) {
    guard !text.isEmpty else { throw cursor.error("an empty token") }
    self.text = text
    place = cursor.place
    (source, isForced) = (nil, false)
    if cursor.isNull { return }
    let fields = try cursor.fields(["source", "force"], "a mapping with source and force")
    if let value = fields["source"] { source = try .init(value, context) }
    if let force = fields["force"] { isForced = try force.boolean() }
    if isForced, source == nil { throw cursor.error("force needs a source") }
  }
}

extension TokenizerConfiguration.TokenSource {
  fileprivate init(_ cursor: ConfigurationCursor, _ context: ParsingContext) throws(MergeError) {
    guard case .map(let entries) = cursor.node.content, !entries.contains(where: { $0.key == "lora" || $0.key == "override_architecture" }),
      entries.contains(where: { $0.key != "model" })
    else {
      self = .model(try ModelReference(cursor, context))
      return
    }
    let fields = try cursor.fields(["kind", "model", "token", "token_id"], "a model, or a mapping with kind,")
    let kind = try fields.required("kind", "it is zero or model_token")
    switch try kind.text() {
    case "zero":
      for key in ["model", "token", "token_id"] {
        if let value = fields[key] { throw value.error("the kind zero takes nothing else") }
      }
      self = .zero
    case "model_token":
      let model = try ModelReference(fields.required("model", "model_token needs one"), context)
      let (key, value) = try fields.exactlyOne(["token", "token_id"])
      self = key == "token" ? .token(try value.text("a token"), model) : .row(try value.integer(0...1 << 30), model)
    case let other:
      throw kind.error("\(other.prefix(60)) is no kind of source\(NearestName.hint(other, among: ["zero", "model_token"]))")
    }
  }
}

extension ChatTemplateSetting {
  init(_ cursor: ConfigurationCursor) throws(MergeError) {
    let text = try cursor.text("a chat template")
    guard let setting = Self(text) else {
      throw cursor.error(
        "\"\(text.prefix(60))\" is neither the name of a chat template nor Jinja text of \(Self.shortestTemplate) characters or more with a {"
          + NearestName.hint(text, among: Preset.allCases.map(\.rawValue) + ["auto"]))
    }
    self = setting
  }
}
