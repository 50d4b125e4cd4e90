internal import CentramHost
internal import CentramModel
internal import CentramPluginAPI
internal import Foundation

/// Extracts an adapter from the difference between a model and its base into an output folder.
public struct ExtractionJob: Sendable {
  let model: String
  let base: String
  let operators: OperatorChoice
  let extraction: LoraExtraction.Options
  let options: MergeOptions

  /// - Parameters:
  ///   - model: a folder, or `folder+adapter`.
  public init(model: String, base: String, operators: OperatorChoice, extraction: LoraExtraction.Options, options: MergeOptions) {
    (self.model, self.base, self.operators, self.extraction, self.options) = (model, base, operators, extraction, options)
  }

  public func run(output: String, observer: MergeObserver, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void) throws(MergeError) -> MergeReport {
    let start = ProcessInfo.processInfo.systemUptime
    let staging = try StagingFolder(for: output) { options.replacesAnything || MergeJob.isReplaceable($0) }
    let chosen: OperatorChoice.Chosen
    do throws(HostError) {
      chosen = try operators("merge.lora_svd")
    } catch {
      throw MergeError(.operator, error.message)
    }
    guard let operation = chosen.operation as? any AdapterExtracting else { throw MergeError(.operator, "\(chosen.id) extracts no adapters") }
    let (changed, original) = (try Tensors(model), try Tensors(base))
    var settings = extraction
    settings.progress = { done, total, _ in progress(done, total) }
    settings.isCancelled = observer.isCancelled
    settings.baseModel = settings.baseModel ?? (base as NSString).lastPathComponent
    let report = try LoraExtraction(model: changed, base: original, operation: operation, options: settings).run(to: staging.url.path)
    for warning in report.warnings { observer.warn(warning) }
    try writeCompanions([(model, changed), (base, original)], chosen, into: staging.url.path, title: (output as NSString).lastPathComponent, observer)
    try staging.publish()
    var result = MergeReport(output: output)
    let size = (try? FileManager.default.attributesOfItem(atPath: output + "/" + Adapter.tensorFile)[.size]) as? Int
    result.bytesOut = size ?? 0
    result.seconds = ProcessInfo.processInfo.systemUptime - start
    return result
  }

  private func writeCompanions(
    _ models: [(name: String, tensors: Tensors)], _ chosen: OperatorChoice.Chosen, into folder: String, title: String, _ observer: MergeObserver
  ) throws(MergeError) {
    let pool = WorkerPool(workers: options.threads)
    var inputs: [MergeLineage.Input] = []
    for (name, tensors) in models {
      inputs.append(.init(reference: name, folder: name, files: try FileHash.entries(tensors.files, options.hash, cache: options.hashCache, pool, observer.isCancelled)))
    }
    let configuration = """
      # centram-host merge extract-lora
      model: \(model)
      base_model: \(base)
      max_rank: \(extraction.maximumRank)
      sv_epsilon: \(extraction.threshold)
      distribute_scale: \(extraction.distributesScale)

      """
    var files = MergeOutputFiles(
      title: title, models: models.map { .init(reference: $0.name, folder: $0.name) }, base: 1, configuration: configuration, method: "extract-lora",
      format: extraction.format,
      lineage: MergeLineage(inputs: inputs, operatorID: chosen.id, operatorVersion: chosen.version, seed: 0, centramVersion: options.centramVersion))
    (files.writesConfiguration, files.writesTokenizer, files.library) = (false, false, "peft")
    try files.write(into: folder)
  }

  /// A checkpoint, with an adapter where the reference names one.
  private struct Tensors: ExtractionTensors {
    let checkpoint: Checkpoint
    let adapter: Adapter?

    init(_ reference: String) throws(MergeError) {
      let parts = reference.split(separator: "+", maxSplits: 1).map { (String($0) as NSString).expandingTildeInPath }
      (checkpoint, adapter) = try OpenedModels.reporting { () throws(ModelFileError) in
        (try Checkpoint(path: parts.first ?? ""), parts.count == 2 ? try Adapter(folder: parts[1]) : nil)
      }
    }

    var names: [String] { checkpoint.tensorNames.sorted() }
    var files: [SafetensorsFile] { checkpoint.files + (adapter.map { [$0.file] } ?? []) }

    func tensor(_ name: String) throws(MergeError) -> ExtractionTensor {
      guard let entry = checkpoint.entry(name) else { throw MergeError(.input, "\(checkpoint.path): \(name) is not there") }
      var source: any TensorSource = MappedSource(entry.tensor, of: entry.file)
      if let adapter { source = try AdaptedSource.source(of: name, shape: entry.tensor.shape, base: source, adapter: adapter) }
      return ExtractionTensor(format: entry.tensor.format, shape: entry.tensor.shape, source: source)
    }
  }
}
