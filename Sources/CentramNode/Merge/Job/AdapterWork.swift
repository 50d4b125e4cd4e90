internal import CentramHost
internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// Merges adapters into an adapter (`out: adapter`), without their base.
struct AdapterWork: DocumentWork {
  private let document: MergeDocument
  private let chosen: OperatorChoice.Chosen
  private let operators: OperatorChoice
  private let rank: Int?
  private let sources: [MergeConfiguration.Source]
  private let folders: [String]
  private let inputs: [AdapterMergeJob.Input]
  private let resolver: ParameterResolver

  init(
    _ document: MergeDocument, chosen: OperatorChoice.Chosen, rank: Int?, operators: OperatorChoice, documents: [String: String]
  ) throws(MergeError) {
    let configuration = document.configuration
    guard case .models(let sources) = configuration.inputs else {
      throw configuration.place.error("out: adapter takes models, not slices: the layers of an adapter are its base's")
    }
    guard configuration.tokenizer == nil, configuration.chatTemplate == nil else {
      throw configuration.place.error("out: adapter takes no tokenizer and no chat_template: an adapter has none")
    }
    (self.document, self.chosen, self.rank, self.operators, self.sources) = (document, chosen, rank, operators, sources)
    var folders: [String] = []
    var inputs: [AdapterMergeJob.Input] = []
    for source in sources {
      // `base+adapter`, or the adapter's folder alone.
      let location = source.model.adapter ?? source.model.model
      let folder =
        switch location {
        case .path(let path): (path as NSString).expandingTildeInPath
        case .document(let name): documents[name] ?? name
        }
      if source.model == configuration.baseModel, source.model.adapter == nil { continue }
      let adapter = try OpenedModels.reporting { () throws(ModelFileError) in try Adapter(folder: folder) }
      inputs.append(.init(name: location.text, adapter: adapter))
      folders.append(folder)
    }
    (self.folders, self.inputs) = (folders, inputs)
    guard chosen.operation.info.inputs.contains(inputs.count) else {
      let range = chosen.operation.info.inputs
      throw configuration.methodPlace.error("\(configuration.method) takes \(range.lowerBound) to \(range.upperBound) inputs; there are \(inputs.count) adapters")
    }
    resolver = try ParameterResolver(configuration, info: try Self.info(configuration, chosen, operators))
  }

  /// The operator's parameters and, where a parameter `rule` names a dense operator, those of that one.
  private static func info(
    _ configuration: MergeConfiguration, _ chosen: OperatorChoice.Chosen, _ operators: OperatorChoice
  ) throws(MergeError) -> MergeOperatorInfo {
    var info = chosen.operation.info
    // A base of zeros stands for the model that the adapters change.
    info.needs.remove(.base)
    if let rule = info.parameters.first(where: { $0.name == "rule" }) {
      let setting = configuration.parameters.entries["rule"] ?? configuration.moduleParameters.entries["rule"]
      let name = setting?.setting.allValues.first?.description ?? rule.defaultValue?.description ?? ""
      let inner: OperatorChoice.Chosen
      do throws(HostError) { inner = try operators(name) } catch { throw MergeError(error, at: setting?.place ?? configuration.methodPlace) }
      info.parameters += inner.operation.info.parameters.filter { parameter in !info.parameters.contains { $0.name == parameter.name } }
    }
    if !info.parameters.contains(where: { $0.name == "weight" }) {
      info.parameters.append(.init("weight", .number, .perInput, default: .number(1), "share of this adapter"))
    }
    return info
  }

  var forecast: MergeForecast {
    let modules = Set(inputs.flatMap { $0.adapter.modules.map(\.name) })
    let elements = inputs.reduce(0) { $0 + $1.adapter.modules.reduce(0) { $0 + $1.rank * ($1.inputs + $1.outputs) } }
    return MergeForecast(
      name: document.name, operation: "\(chosen.id) \(chosen.version)", models: sources.map(\.model.description), tensorsMerged: 2 * modules.count,
      tensorsCopied: 0, layers: 0, elements: elements, bytesIn: inputs.reduce(0) { $0 + $1.adapter.file.size }, bytesOut: elements * 4,
      warnings: document.warnings)
  }

  func write(into folder: String, title: String, options: MergeOptions, pool: WorkerPool, observer: MergeObserver) throws(MergeError) {
    var settings = AdapterMergeJob.Options()
    (settings.outputRank, settings.seed, settings.isCancelled) = (rank, options.seed, observer.isCancelled)
    settings.format = document.configuration.outputFormat ?? .float32
    settings.masks = try options.masks.map { (path) throws(MergeError) in try MaskFile(path: path) }
    let total = forecast.bytesOut
    settings.progress = { done, count, _ in if done > 0 && count > 0 { observer.progress(total / count) } }
    let (resolver, sources, inputs, operators, place) = (self.resolver, self.sources, self.inputs, self.operators, document.configuration.methodPlace)
    let merged = sources.filter { $0.model != document.configuration.baseModel || $0.model.adapter != nil }
    let layers = 1 + (inputs.flatMap { $0.adapter.modules.compactMap { TensorName.layered($0.name + ".weight")?.layer } }.max() ?? 0)
    let job = AdapterMergeJob(inputs, rule: chosen.id, operation: chosen.operation, options: settings) { (module) throws(MergeError) in
      let tensor = module + ".weight"
      let layer = TensorName.layered(tensor)?.layer
      let position = layer.map { layers > 1 ? Double($0) / Double(layers - 1) : 1 } ?? 0
      let given = merged.map { ParameterResolver.Input(parameters: $0.parameters, tensor: tensor, model: $0.model.description, place: $0.place) }
      return try resolver.parameters(tensor: tensor, position: position, slice: .init(), inputs: given, baseIndex: nil)
    } resolve: { (id) throws(MergeError) in
      do throws(HostError) { return try operators(id).operation } catch { throw MergeError(error, at: place) }
    }
    let report = try job.run(to: folder)
    for warning in report.warnings { observer.warn(warning) }
    try writeCompanions(into: folder, title: title, options: options, pool: pool, observer: observer)
  }

  private func writeCompanions(
    into folder: String, title: String, options: MergeOptions, pool: WorkerPool, observer: MergeObserver
  ) throws(MergeError) {
    let entries = try FileHash.entries(inputs.map(\.adapter.file), options.hash, cache: options.hashCache, pool, observer.isCancelled)
    var lineage: [MergeLineage.Input] = []
    for (index, input) in inputs.enumerated() { lineage.append(.init(reference: input.name, folder: folders[index], files: [entries[index]])) }
    var files = MergeOutputFiles(
      title: title, models: inputs.indices.map { .init(reference: inputs[$0].name, folder: folders[$0]) }, base: nil,
      configuration: document.text, method: document.configuration.method, format: document.configuration.outputFormat ?? .float32,
      lineage: MergeLineage(
        inputs: lineage, operatorID: chosen.id, operatorVersion: chosen.version, seed: options.seed, centramVersion: options.centramVersion))
    (files.writesConfiguration, files.writesTokenizer, files.library) = (false, false, "peft")
    try files.write(into: folder)
  }
}
