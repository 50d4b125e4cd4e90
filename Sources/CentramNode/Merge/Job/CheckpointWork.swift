internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// Merges checkpoints into a checkpoint, with everything that belongs beside the weights.
struct CheckpointWork: DocumentWork {
  private let merge: DocumentMerge
  private let chosen: OperatorChoice.Chosen

  init(_ document: MergeDocument, chosen: OperatorChoice.Chosen, operation: any TensorMerging, documents: [String: String]) throws(MergeError) {
    merge = try DocumentMerge(document, operation: operation, documents: documents)
    self.chosen = chosen
  }

  var forecast: MergeForecast {
    let summary = merge.plan.summary
    return MergeForecast(
      name: merge.document.name, operation: "\(chosen.id) \(chosen.version)", models: merge.plan.models.map(\.description),
      tensorsMerged: summary.merged, tensorsCopied: summary.copied, layers: merge.plan.layerCount, elements: summary.elements,
      bytesIn: summary.bytesIn, bytesOut: summary.bytesOut, warnings: merge.plan.warnings)
  }

  func write(into folder: String, title: String, options: MergeOptions, pool: WorkerPool, observer: MergeObserver) throws(MergeError) {
    try merge.writeTensors(into: folder, options: options, pool: pool, observer: observer)
    let configuration = merge.document.configuration
    let references = configuration.allModels
    var files = MergeOutputFiles(
      title: title, models: try references.map { (reference) throws(MergeError) in .init(reference: reference.description, folder: try folderPath(reference)) },
      base: configuration.baseModel.flatMap(references.firstIndex(of:)), configuration: merge.document.text, method: configuration.method,
      format: format, layers: layerOrigins(references), vocabularyRows: vocabularyRows(references), hasHead: try hasHead(references),
      vocabulary: merge.vocabulary, chatTemplate: configuration.chatTemplate,
      lineage: try lineage(references, options, pool, observer))
    files.writesConfiguration = FileManager.default.fileExists(atPath: files.models[files.donor].folder + "/config.json")
    if !files.writesConfiguration {
      observer.warn("\(references[files.donor]) has no config.json, so the output has none and no tokenizer")
      files.writesTokenizer = false
    }
    try files.write(into: folder)
  }

  private func folderPath(_ reference: ModelReference) throws(MergeError) -> String {
    let checkpoint = try merge.models.checkpoint(reference)
    return checkpoint.folder?.path ?? (checkpoint.path as NSString).deletingLastPathComponent
  }

  /// The format that most of the output is in.
  private var format: NumberFormat {
    var bytes: [NumberFormat: Int] = [:]
    for tensor in merge.plan.tensors where tensor.format.isFloatingPoint { bytes[tensor.format, default: 0] += tensor.bytes }
    return bytes.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key ?? .float32
  }

  /// Where slices picked each layer of the output; nil where all layers stay.
  private func layerOrigins(_ references: [ModelReference]) -> [LayerOrigin]? {
    guard case .slices(let slices) = merge.document.configuration.inputs else { return nil }
    return slices.flatMap { slice -> [LayerOrigin] in
      guard let source = slice.sources.first, let model = references.firstIndex(of: source.model), let layers = source.layers else { return [] }
      return layers.map { LayerOrigin(model: model, layer: $0) }
    }
  }

  /// Rows of the output's embedding where the donor's config.json may say otherwise.
  private func vocabularyRows(_ references: [ModelReference]) -> Int? {
    guard merge.vocabulary == nil else { return nil }
    return merge.plan.tensors.first { $0.isVocabulary && !TensorName.isHead($0.name) }?.shape.first
  }

  /// Whether the output has a head of its own, where the donor differs.
  private func hasHead(_ references: [ModelReference]) throws(MergeError) -> Bool? {
    let donor = merge.document.configuration.baseModel ?? references[0]
    let output = merge.plan.tensors.contains { TensorName.isHead($0.name) }
    let donors = try merge.models.checkpoint(donor).tensorNames.contains { TensorName.isHead($0) }
    return merge.plan.untiesHead ? true : output == donors ? nil : output
  }

  private func lineage(
    _ references: [ModelReference], _ options: MergeOptions, _ pool: WorkerPool, _ observer: MergeObserver
  ) throws(MergeError) -> MergeLineage {
    let files = try references.map { (reference) throws(MergeError) in try merge.models.files(reference) }
    var rest = try FileHash.entries(files.flatMap { $0 }, options.hash, cache: options.hashCache, pool, observer.isCancelled)[...]
    var inputs: [MergeLineage.Input] = []
    for (reference, files) in zip(references, files) {
      inputs.append(.init(reference: reference.description, folder: merge.models.path(reference.model), files: Array(rest.prefix(files.count))))
      rest = rest.dropFirst(files.count)
    }
    return MergeLineage(
      inputs: inputs, operatorID: chosen.id, operatorVersion: chosen.version, seed: options.seed, centramVersion: options.centramVersion)
  }
}
