/// A model bound for training: blocks whose weights are the storage's own, or the model's.
struct TrainingModel {
  let configuration: ModelConfiguration
  let embedding: TrainingLinear
  let positions: TrainingLinear?
  let blocks: [TrainingBlock]
  let finalNorm: TrainingNorm
  let head: TrainingLinear
  /// The lowest block that something is trained in; below it nothing goes backward.
  let firstTrainedBlock: Int
  /// Whether the embeddings are trained, so that gradients go down to them.
  let trainsEmbeddings: Bool
  let storage: ParameterStorage

  /// - Throws: `.unsupported` where the method does not fit the model.
  init(_ model: LanguageModel, method: TrainingMethod, seed: UInt64) throws(ModelFileError) {
    guard let embedding = model.embedding, let finalNorm = model.finalNorm, let head = model.head, model.isWhole else {
      throw ModelFileError(.unsupported, "\(model.path): only a whole model can be trained, and these are its layers \(model.layers)")
    }
    var binder = TrainingBinder(model: model, method: method, seed: seed)
    try binder.plan()
    let storage = ParameterStorage(binder.parameters)
    binder.storage = storage
    let family = model.configuration.family
    configuration = model.configuration
    self.storage = storage
    self.embedding = binder.bind(embedding, family.embedding)
    positions = model.positionEmbedding.flatMap { positions in family.positionEmbedding.map { binder.bind(positions, $0) } }
    blocks = (0..<model.configuration.layers).map { binder.block($0) }
    self.finalNorm = binder.bind(finalNorm, family.finalNorm)
    self.head = model.configuration.tiesEmbeddings ? self.embedding : binder.bind(head, family.head ?? family.embedding)
    trainsEmbeddings = method == .full
    firstTrainedBlock = trainsEmbeddings ? 0 : blocks.firstIndex { $0.linears.contains { $0.factors != nil } } ?? blocks.count
  }
}
