public import CentramModel

/// Everything of an output folder but the weights: config.json, the tokenizer, the model card, the configuration and the
/// lineage.
public struct MergeOutputFiles: Sendable {
  public struct Model: Sendable, Equatable {
    /// As the configuration writes it.
    public var reference: String
    public var folder: String

    public init(reference: String, folder: String) { (self.reference, self.folder) = (reference, folder) }
  }

  /// A parameter of the method as the model card shows it.
  public struct Parameter: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(name: String, value: String) { (self.name, self.value) = (name, value) }
  }

  /// The model card's heading.
  public var title: String
  /// In the order of the configuration, the base among them.
  public var models: [Model]
  /// Index of `base_model`, nil without one.
  public var base: Int?
  /// As the user wrote it.
  public var configuration: String
  public var method: String
  public var parameters: [Parameter]
  /// The output's floating-point format.
  public var format: NumberFormat
  /// For each of the output's layers where it was picked; nil where the model has no numbered layers.
  public var layers: [LayerOrigin]?
  /// Rows of the output's embedding; nil keeps the donor's `vocab_size`. A vocabulary plan has its own.
  public var vocabularyRows: Int?
  /// Whether the output has an `lm_head` of its own, where the donor differs; else nil.
  public var hasHead: Bool?
  /// Nil without tokenizer settings: then the donor's tokenizer is copied.
  public var vocabulary: VocabularyPlan?
  public var chatTemplate: ChatTemplateSetting?
  public var lineage: MergeLineage
  /// Without it the donor needs no config.json: single files have none.
  public var writesConfiguration = true
  public var writesTokenizer = true
  /// What loads the output, for the model card.
  public var library = "transformers"
  public var writesModelCard = true

  public init(
    title: String, models: [Model], base: Int?, configuration: String, method: String, parameters: [Parameter] = [], format: NumberFormat,
    layers: [LayerOrigin]? = nil, vocabularyRows: Int? = nil, hasHead: Bool? = nil, vocabulary: VocabularyPlan? = nil,
    chatTemplate: ChatTemplateSetting? = nil, lineage: MergeLineage
  ) {
    precondition(!models.isEmpty, "a merge has a model")
    (self.title, self.models, self.base, self.configuration) = (title, models, base, configuration)
    (self.method, self.parameters, self.format, self.layers) = (method, parameters, format, layers)
    (self.vocabularyRows, self.hasHead, self.vocabulary) = (vocabularyRows, hasHead, vocabulary)
    (self.chatTemplate, self.lineage) = (chatTemplate, lineage)
  }

  /// Index of the model that lends its config.json and, unless settings say otherwise, its tokenizer: the base, else the
  /// first one.
  public var donor: Int { base ?? 0 }

  /// Files that go with the weights but are neither the tokenizer's nor patched.
  private static let companions = [
    "preprocessor_config.json", "processor_config.json", "image_processor_config.json", "video_preprocessor_config.json",
    "feature_extractor_config.json",
  ]

  /// Writes the files, each synchronized to the disk, into a folder that exists and that nobody else uses. Called after
  /// the weights are there, so that the lineage lists them.
  /// - Throws: `.input` for a file of a model that is missing or malformed, `.mismatch` for configurations that do not fit
  ///   the layers, `.output` where the disk is full or the folder not writable.
  public func write(into folder: String) throws(MergeError) {
    let target = DurableFolder(folder: folder)
    let donor = FolderFiles(folder: models[donor].folder)
    let tokenizer = vocabulary.map { FolderFiles(folder: $0.models[$0.pattern].folder) } ?? donor
    if writesConfiguration { try target.write(.object(try modelConfiguration(tokenizer)), as: "config.json") }
    if writesTokenizer {
      try TokenizerFiles(
        source: tokenizer, rewriting: vocabulary.flatMap { $0.keepsFiles ? nil : $0 }, chatTemplate: try template()
      ).write(into: target)
    }
    // It names tokens by id, so it goes with the tokenizer.
    if tokenizer.exists("generation_config.json") { try target.copy("generation_config.json", from: tokenizer) }
    for name in Self.companions where donor.exists(name) { try target.copy(name, from: donor) }
    try target.write(configuration, as: "mergekit_config.yml")
    if writesModelCard {
      let card = ModelCard(
        title: title, method: method, base: base.map { models[$0].reference }, parameters: parameters, configuration: configuration,
        lineage: lineage, library: library)
      try target.write(card.text, as: "README.md")
    }
    let outputs = try target.list().filter { $0.name != "lineage.json" }
    try target.write(lineage.json(outputs: outputs), as: "lineage.json")
    try target.synchronize()
  }

  private func modelConfiguration(_ tokenizer: FolderFiles) throws(MergeError) -> OrderedJSON.Object {
    var configurations: [OrderedJSON.Object?] = []
    for model in models { configurations.append(try FolderFiles(folder: model.folder).jsonObject("config.json")) }
    guard configurations[donor] != nil else {
      throw MergeError(.input, "\(models[donor].reference) has no config.json, which the output's is made from")
    }
    var patch = ConfigurationPatch(layers: layers, format: format, vocabularyRows: vocabulary?.rowCount ?? vocabularyRows, hasHead: hasHead)
    if tokenizer.folder != models[donor].folder { patch.tokenizerOwner = try tokenizer.jsonObject("config.json") }
    return try patch.apply(to: configurations, donor: donor)
  }

  /// The text that the chat_template setting asks for; nil where it changes nothing.
  private func template() throws(MergeError) -> String? {
    let order = [donor] + models.indices.filter { $0 != donor }
    return try chatTemplate?.template(of: order.map { FolderFiles(folder: models[$0].folder) })
  }
}
