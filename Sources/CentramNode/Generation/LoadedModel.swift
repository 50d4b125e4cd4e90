public import CentramModel
internal import Foundation

/// A model that is ready to answer: its weights, its tokenizer, an engine, and the adapters that were asked for.
public final class LoadedModel {
  public let files: ModelFiles
  public let model: LanguageModel
  public let tokenizer: Tokenizer
  public let engine: Engine
  private var adapters: [String: AdapterWeights] = [:]
  private var tree: TokenTree?
  /// The model's own, once it was asked for.
  var template: ChatTemplate?

  /// - Parameters:
  ///   - path: a Hugging Face folder, a GGUF file or a folder of the toy.
  ///   - threads: 1 to 256; results do not depend on it.
  public init(path: String, threads: Int, profile: NumericProfile = .exact) throws(ModelFileError) {
    files = try ModelFiles(path: path)
    model = try LanguageModel(configuration: files.configuration, weights: files.weights)
    tokenizer = try files.tokenizer()
    engine = try Engine(model: model, threads: threads, profile: profile)
  }

  /// Loads an adapter, once.
  /// - Parameter path: a folder in PEFT's format.
  public func adapter(path: String) throws(ModelFileError) -> AdapterWeights {
    let folder = URL(fileURLWithPath: path).standardizedFileURL.path
    if let known = adapters[folder] { return known }
    let weights = try AdapterWeights(Adapter(folder: path), model: model)
    adapters[folder] = weights
    return weights
  }

  /// What ends a text, by the model's configuration and its tokenizer.
  public var endTokens: Set<Int32> { Set(model.configuration.endTokens + tokenizer.endTokens) }

  /// A grammar over this vocabulary.
  public func matcher(_ grammar: JSONGrammar) -> GrammarMatcher {
    let tree = tree ?? TokenTree(tokenizer, vocabulary: model.configuration.vocabulary, excluding: endTokens)
    self.tree = tree
    return GrammarMatcher(grammar, tokens: tree, endTokens: endTokens.sorted())
  }

  /// The tokens of a prompt as it is, with what the model's rule puts before it.
  /// - Parameter parsingSpecial: whether the text of a special token is that token.
  public func prompt(_ text: String, parsingSpecial: Bool = false) -> [Int32] {
    var tokens = tokenizer.encode(text, parsingSpecial: parsingSpecial, addingSpecial: true)
    // What the rule puts behind a text would end it.
    if !tokenizer.suffix.isEmpty, tokens.suffix(tokenizer.suffix.count) == tokenizer.suffix[...] { tokens.removeLast(tokenizer.suffix.count) }
    return tokens
  }
}
