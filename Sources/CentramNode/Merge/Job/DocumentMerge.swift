internal import CentramLanes
internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// One document of a configuration on its way from a plan to a folder.
struct DocumentMerge {
  let document: MergeDocument
  let operation: any TensorMerging
  let models: OpenedModels
  let vocabulary: VocabularyPlan?
  let plan: MergePlan

  /// Opens the models and works out the plan; reads no tensor.
  init(_ document: MergeDocument, operation: any TensorMerging, documents: [String: String]) throws(MergeError) {
    (self.document, self.operation) = (document, operation)
    let configuration = document.configuration
    models = try OpenedModels(configuration, documents: documents)
    vocabulary = try models.vocabulary(configuration)
    var plan = try MergePlanner.plan(
      document, info: operation.info, catalogs: try models.catalogs(configuration.models), vocabularySize: vocabulary?.rowCount)
    plan.warnings += models.warnings
    self.plan = plan
  }

  /// Merges every tensor into `folder`.
  func writeTensors(into folder: String, options: MergeOptions, pool: WorkerPool, observer: MergeObserver) throws(MergeError) {
    let items = plan.tensors.map { SafetensorsWriter.Item(name: $0.name, format: $0.format, shape: $0.shape) }
    let writer = try OpenedModels.reporting { () throws(ModelFileError) in
      try CheckpointWriter(folder: folder, items: items, shardSize: options.shardSize)
    }
    let masks = try options.masks.map { (path) throws(MergeError) in try MaskFile(path: path) }
    let sources = try TensorSources(models, plan: plan, vocabulary: vocabulary)
    for tensor in plan.tensors {
      guard !observer.isCancelled() else { throw MergeError(.cancelled, "interrupted; nothing was written") }
      switch tensor.action {
      case .copy(let input, let equals):
        try sources.checkEqual(input, equals, tensor.name)
        try copy(tensor, input, sources, writer, pool, options, observer)
      case .merge(let merge):
        let inputs = try merge.inputs.map { (input) throws(MergeError) in
          try sources.source(input, of: tensor, among: merge.inputs)
        }
        try run(tensor, merge, inputs, operation, masks, writer, pool, options, observer)
      }
    }
    try OpenedModels.reporting { () throws(ModelFileError) in try writer.finish(synchronizing: options.synchronizes) }
  }

  /// Copies bytes as they are, or converts where format or rows differ.
  private func copy(
    _ tensor: MergePlan.Tensor, _ input: MergePlan.Input, _ sources: TensorSources, _ writer: CheckpointWriter, _ pool: WorkerPool,
    _ options: MergeOptions, _ observer: MergeObserver
  ) throws(MergeError) {
    if let bytes = try sources.unchangedBytes(input, for: tensor) {
      let size = 1 << 20
      for start in stride(from: 0, to: bytes.count, by: size) {
        guard !observer.isCancelled() else { throw MergeError(.cancelled, "interrupted; nothing was written") }
        let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + size, bytes.count)])
        try OpenedModels.reporting { () throws(ModelFileError) in try writer.write(part, of: tensor.name, at: start) }
        observer.progress(part.count)
      }
      return
    }
    let merge = MergePlan.Merge(inputs: [input], baseIndex: nil, parameters: Parameters(), modelNames: [plan.models[input.model].description])
    try run(
      tensor, merge, [try sources.source(input, of: tensor, among: [input])], Copy(), nil, writer, pool, options, observer)
  }

  private func run(
    _ tensor: MergePlan.Tensor, _ merge: MergePlan.Merge, _ inputs: [any TensorSource], _ operation: any TensorMerging,
    _ masks: (any MaskProvider)?, _ writer: CheckpointWriter, _ pool: WorkerPool, _ options: MergeOptions, _ observer: MergeObserver
  ) throws(MergeError) {
    let size = tensor.format.size
    let sink = CheckpointSink(writer: writer, name: tensor.name, format: tensor.format, allowsNonFinite: options.allowsNonFinite)
    let driver = BlockDriver(
      shape: tensor.shape, sources: inputs, sink: sink, pool: pool, rejectsNonFinite: !options.allowsNonFinite,
      memory: (operation as? any BringsBlockMemory)?.blockMemory, isCancelled: observer.isCancelled, progress: { observer.progress($0 * size) })
    let request = MergeRequest(
      tensor: tensor.name, shape: tensor.shape, models: merge.modelNames, baseIndex: merge.baseIndex, parameters: merge.parameters,
      seed: options.seed, masks: masks, driver: driver)
    do throws(PluginError) {
      try operation.merge(request)
    } catch {
      if let failure = driver.failure(naming: merge.modelNames, tensors: merge.inputs.map(\.tensor)) { throw failure }
      throw MergeError(merging: error, "\(document.configuration.method), \(tensor.name)")
    }
    let written = driver.elementsWritten
    guard written == tensor.count else {
      throw MergeError(.operator, "\(document.configuration.method), \(tensor.name): it wrote \(written) of \(tensor.count) elements")
    }
  }

  /// Takes its one input over.
  private struct Copy: TensorMerging {
    let info = MergeOperatorInfo()
    func merge(_ request: MergeRequest) throws(PluginError) {
      try request.forEachBlock { block in block.output.update(from: block.inputs[0], count: block.count) }
    }
  }
}

extension MergeError {
  /// What an operator's error means for the merge.
  init(merging error: PluginError, _ place: String) {
    let message = "\(place): \(error.message)"
    switch error.code {
    case .cancelled: self.init(.cancelled, "interrupted; nothing was written")
    case .inputOutput: self.init(.output, error.message)
    case .invalid: self.init(.configuration, message)
    case .shapeMismatch: self.init(.mismatch, message)
    default: self.init(.operator, message)
    }
  }
}
