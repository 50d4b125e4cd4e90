extension ModelFiles {
  static let maximumTokenizerLength = TokenizerJSON.maximumBytes

  /// The model's tokenizer: of tokenizer.json, of the GGUF file's metadata, or the bytes themselves for the toy.
  /// - Throws: `.unreadable` where a folder has no tokenizer.json, and what `Tokenizer`'s initialisers throw.
  public func tokenizer() throws(ModelFileError) -> Tokenizer {
    if kind == .toy { return .bytes }
    if let gguf { return try Tokenizer(gguf: gguf) }
    guard let folder else { throw ModelFileError(.unreadable, "\(path): there is no folder that could hold a tokenizer.json") }
    let files = ModelFolder(folder)
    guard let json = try files.read("tokenizer.json", limit: Self.maximumTokenizerLength) else {
      throw ModelFileError(.unreadable, "\(folder.path): there is no tokenizer.json; copy it from where the model came from, or save the tokenizer again with transformers")
    }
    let configuration = try files.read("tokenizer_config.json", limit: ModelFolder.maximumTokenizerConfigurationLength)
    return try Tokenizer(json: json, configuration: configuration, file: files.path("tokenizer.json"))
  }
}
