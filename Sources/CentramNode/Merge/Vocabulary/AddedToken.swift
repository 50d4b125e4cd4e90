/// A token that a tokenizer finds in the text before its model sees it: `<|im_end|>`.
public struct AddedToken: Sendable, Hashable {
  public var content: ExactText
  public var id: Int
  public var singleWord = false
  public var leftStrip = false
  public var rightStrip = false
  public var normalized = false
  public var special = false

  public init(_ content: ExactText, id: Int) { (self.content, self.id) = (content, id) }

  /// From an element of `added_tokens`; nil where it is none.
  init?(_ json: OrderedJSON) {
    guard let content = json["content"]?.string, let id = json["id"]?.integer else { return nil }
    self.init(ExactText(content), id: id)
    singleWord = json["single_word"]?.bool ?? false
    leftStrip = json["lstrip"]?.bool ?? false
    rightStrip = json["rstrip"]?.bool ?? false
    special = json["special"]?.bool ?? false
    normalized = json["normalized"]?.bool ?? !special
  }

  /// As an element of tokenizer.json's `added_tokens`.
  var tokenizerEntry: OrderedJSON {
    .object([
      "id": .integer(id), "content": .string(content.text), "single_word": .bool(singleWord), "lstrip": .bool(leftStrip),
      "rstrip": .bool(rightStrip), "normalized": .bool(normalized), "special": .bool(special),
    ])
  }

  /// As a value of tokenizer_config.json's `added_tokens_decoder`.
  var decoderEntry: OrderedJSON {
    .object([
      "content": .string(content.text), "lstrip": .bool(leftStrip), "normalized": .bool(normalized), "rstrip": .bool(rightStrip),
      "single_word": .bool(singleWord), "special": .bool(special),
    ])
  }
}
