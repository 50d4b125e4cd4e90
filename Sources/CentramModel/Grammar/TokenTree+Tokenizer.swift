extension TokenTree {
  /// The tokens of a model that are text.
  /// - Parameters:
  ///   - vocabulary: the model's, which may have more tokens than the tokenizer.
  ///   - excluding: besides special tokens.
  public convenience init(_ tokenizer: Tokenizer, vocabulary: Int, excluding: Set<Int32> = []) {
    self.init((0..<Int32(vocabulary)).map { tokenizer.isSpecial($0) || excluding.contains($0) ? [] : tokenizer.bytes(of: $0) })
  }
}
