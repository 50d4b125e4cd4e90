internal import CentramModel
internal import CentramPluginAPI
internal import Foundation
internal import Synchronization

extension TrainingJob {
  /// Opens model and data, checks what can be checked, and writes down what the run is.
  func prepare(_ folder: TrainingFolder, _ observer: Observer) throws(TrainingJobError) -> Prepared {
    let source = try source()
    let specifications = trainer.info.parameters
    // A trainer with a rank makes factors; one without changes the weights themselves.
    let makesAdapter = specifications.contains { $0.name == "rank" }
    guard !makesAdapter || plan.model != nil else {
      throw TrainingJobError(.configuration, "\(identity.id) makes an adapter, which needs a model; train from scratch with trainer.full-delta")
    }
    if plan.model == nil || plan.writesMerged { try TrainingOutput.checkModel(configuration: source.configuration, modelFolder: source.folder) }
    let length = try length(source.configuration)
    let data = try data(source, length: length)
    for warning in data.warnings { observer.warn(warning) }
    if let hash = plan.dataHash, hash != data.hash {
      throw TrainingJobError(.data, "\(plan.data): the data is not the same as when the training began; put it back, or start anew in another folder")
    }
    var more: [String: TrainingPlan.Setting] = [:]
    if specifications.contains(where: { $0.name == "length" }) { more["length"] = .number(Double(length)) }
    if specifications.contains(where: { $0.name == "data_hash" }) { more["data_hash"] = .string(data.hash) }
    if let layers = try lastLayers(source.configuration) { more["layers"] = .string(layers) }
    let resume = options.resumes ? try folder.newest() : nil
    if !options.resumes {
      var description = plan
      (description.trainer, description.trainerVersion, description.dataHash, description.length) = (identity.id, identity.version, data.hash, length)
      // Of a private training it holds the seed of the noise.
      try folder.write(description.text(), as: "checkpoints/" + TrainingFolder.descriptionName, mode: 0o600)
    }
    let factors = try plan.initialAdapter.map { (path) throws(TrainingJobError) in try Self.factors(path) } ?? [:]
    let (keeps, writesTwice) = (options.keeps, plan.writesMerged)
    let model = EngineModel(
      source.configuration, source.weights, kind: makesAdapter ? .adapter : .full, threads: options.threads, activationBudget: options.activationBudget,
      passIndex: resume?.header.passes ?? 0, initialFactors: factors
    ) { (tensors) throws(PluginError) in
      // Values and two moments a checkpoint, one more while the newest is written; the result once or twice.
      let bytes = 4 * tensors.reduce(0) { $0 + $1.values.count }
      do throws(TrainingJobError) { try folder.requireSpace(3 * bytes * (keeps + 1) + bytes * (writesTwice ? 2 : 1) + 1 << 20) } catch {
        throw PluginError(.inputOutput, error.message)
      }
    }
    observer.begin(
      TrainingForecast(
        trainer: "\(identity.id) \(identity.version)", sequences: data.sequences, validationSequences: data.validationSequences, tokens: data.tokens, length: length,
        resumedStep: options.resumes ? resume?.header.step ?? 0 : nil))
    return Prepared(
      model: model, weights: source.weights, modelFolder: source.folder, data: data, settings: plan.settingsJSON(more), resume: resume, writesAdapter: makesAdapter,
      tokenizer: source.encoding.tokenizer)
  }

  /// `26-29` for the last four of thirty.
  private func lastLayers(_ configuration: ModelConfiguration) throws(TrainingJobError) -> String? {
    guard let count = plan.lastLayers, plan.settings["layers"] == nil else { return nil }
    guard trainer.info.parameters.contains(where: { $0.name == "layers" }) else {
      throw TrainingJobError(.configuration, "\(identity.id) trains all layers; leave out --num-layers")
    }
    guard (1...configuration.layers).contains(count) else {
      throw TrainingJobError(.configuration, "--num-layers \(count): the model has \(configuration.layers)")
    }
    return "\(configuration.layers - count)-\(configuration.layers - 1)"
  }

  /// How many sequences it draws from. Reads the data.
  func sequences() throws(TrainingJobError) -> Int {
    let source = try source()
    return try data(source, length: length(source.configuration)).sequences
  }

  private struct Source {
    let configuration: ModelConfiguration, weights: any WeightSource
    let folder: String?
    let encoding: ModelEncoding
  }

  private func source() throws(TrainingJobError) -> Source {
    do throws(ModelFileError) {
      if let path = plan.model {
        let files = try ModelFiles(path: (path as NSString).expandingTildeInPath)
        return Source(
          configuration: files.configuration, weights: files.weights, folder: files.folder?.path,
          encoding: ModelEncoding(try files.tokenizer(), configuration: files.configuration, template: plan.chatTemplate ?? files.chatTemplate))
      }
    } catch { throw TrainingJobError(.model, error.message) }
    guard plan.fromScratch == ModelFamily.gptByte.name else {
      throw TrainingJobError(.configuration, "\(plan.fromScratch ?? "no model") cannot be trained from scratch; gpt-byte can")
    }
    return Source(
      configuration: .gptByte, weights: InitialWeights(.gptByte, seed: plan.seed), folder: nil, encoding: ModelEncoding(.bytes, configuration: .gptByte))
  }

  /// Tokens a row: what was asked for, or the trainer's default where the model can take it. The last token of a row is only a target.
  private func length(_ configuration: ModelConfiguration) throws(TrainingJobError) -> Int {
    if let length = plan.length { return length }
    let limit = configuration.contextLength + 1
    if case .number(let given)? = plan.settings["length"] {
      guard given >= 2, given <= Double(limit) else {
        throw TrainingJobError(.configuration, "rows of \(ParameterValue.number(given)) tokens; the model takes from 2 to \(limit)")
      }
      return Int(given)
    }
    guard case .number(let standard)? = trainer.info.parameters.first(where: { $0.name == "length" })?.defaultValue else { return min(512, limit) }
    return min(max(2, Int(standard)), limit)
  }

  private func data(_ source: Source, length: Int) throws(TrainingJobError) -> TrainingData {
    var options = TrainingData.Options(length: length)
    (options.masksPrompts, options.packs, options.validationShare, options.seed) = (plan.masksPrompts, plan.packs, plan.validationShare, plan.seed)
    return try TrainingData(path: (plan.data as NSString).expandingTildeInPath, encoding: source.encoding, options: options, isCancelled: { Task.isCancelled })
  }

  /// The tensors of a PEFT adapter by name.
  private static func factors(_ path: String) throws(TrainingJobError) -> [String: [Float]] {
    do throws(ModelFileError) {
      let adapter = try Adapter(folder: (path as NSString).expandingTildeInPath)
      var result: [String: [Float]] = [:]
      for module in adapter.modules {
        let factors = try adapter.factors(of: module)
        (result[module.aTensor.name], result[module.bTensor.name]) = (factors.a, factors.b)
      }
      return result
    } catch { throw TrainingJobError(.model, error.message) }
  }
}
