internal import CentramModel

extension TokenizerConfiguration {
  /// The same in the words of the vocabulary's own module.
  var settings: VocabularySettings {
    let source: VocabularySettings.Source =
      switch self.source {
      case .union: .union
      case .base: .base
      case .model(let model): .model(model.description)
      }
    let tokens = self.tokens.map { token in
      let source: VocabularySettings.TokenSource? =
        switch token.source {
        case nil: nil
        case .zero?: .zero
        case .model(let model)?: .model(model.description)
        case .token(let text, let model)?: .token(text, of: model.description)
        case .row(let id, let model)?: .id(id, of: model.description)
        }
      return VocabularySettings.Token(token.text, source: source, force: token.isForced)
    }
    return VocabularySettings(source: source, tokens: tokens, padToMultipleOf: padToMultipleOf)
  }
}

extension OpenedModels {
  /// The output's vocabulary, where the configuration asks for one.
  func vocabulary(_ configuration: MergeConfiguration) throws(MergeError) -> VocabularyPlan? {
    guard let tokenizer = configuration.tokenizer else { return nil }
    let references = configuration.allModels
    var models: [VocabularyModel] = []
    for reference in references {
      let checkpoint = try checkpoint(reference)
      guard let folder = checkpoint.folder else {
        throw MergeError(.input, "\(reference) is a file; aligning vocabularies needs a folder with tokenizer.json")
      }
      let tables = checkpoint.tensorNames.filter { name in
        checkpoint.entry(name).map { TensorName.isVocabulary(name, rank: $0.tensor.shape.count) && !TensorName.isHead(name) } ?? false
      }
      guard let table = tables.min(), let rows = checkpoint.entry(table)?.tensor.shape.first else {
        throw MergeError(.input, "\(reference) has no embedding of tokens, so its vocabulary cannot be aligned")
      }
      models.append(try VocabularyModel(reference: reference.description, folder: folder.path, rows: rows))
    }
    let base = configuration.baseModel.flatMap(references.firstIndex(of:))
    return try VocabularyPlan(tokenizer.settings, models: models, base: base)
  }
}
