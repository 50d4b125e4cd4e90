public import CentramHost
internal import CentramModel
public import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// A training from a plan to a folder.
///
/// The folder holds `checkpoints/`, `log.jsonl`, and at the end the result and training.json. A run that was stopped, by a user, a
/// full disk or a loss of power, goes on from its newest checkpoint and ends with the bits of an unbroken one.
public struct TrainingJob: Sendable {
  public struct Options: Sendable {
    public var threads = 1
    /// Checkpoints that are kept.
    public var keeps = 2
    /// Bytes of activations kept for the backward pass; the rest is computed again.
    public var activationBudget = 1 << 30
    public var resumes = false
    public var centramVersion = ""
    public init() {}
  }

  public struct Observer: Sendable {
    /// What a trainer reports; called from any thread.
    public var event: @Sendable (TrainingEvent) -> Void
    public var warn: @Sendable (String) -> Void
    public var begin: @Sendable (TrainingForecast) -> Void
    public init(
      event: @escaping @Sendable (TrainingEvent) -> Void = { _ in }, warn: @escaping @Sendable (String) -> Void = { _ in },
      begin: @escaping @Sendable (TrainingForecast) -> Void = { _ in }
    ) { (self.event, self.warn, self.begin) = (event, warn, begin) }
  }

  let plan: TrainingPlan
  let output: String
  let options: Options
  let trainer: any Trainer
  let identity: (id: String, version: String)

  /// - Parameters:
  ///   - plan: with `resumes`, that of the folder is taken in its place.
  ///   - trainers: finds the trainer.
  /// - Throws: `.configuration`; a `HostError` where there is no such trainer.
  public init(_ plan: TrainingPlan, output: String, host: PluginHost, options: Options) throws {
    let plan = options.resumes ? try TrainingPlan.read(folder: output) : plan
    let selector = plan.trainerVersion.map { "\(plan.trainer)@\($0)" } ?? plan.trainer
    let trainer = try host.trainer(selector)
    let record = try host.resolve(kind: .trainer, name: selector)
    try self.init(plan, output: output, trainer: trainer, id: record.id, version: record.version?.description ?? "", options: options)
  }

  /// - Parameters:
  ///   - trainer: an instance, known as `id` in `version`.
  public init(_ plan: TrainingPlan, output: String, trainer: any Trainer, id: String, version: String, options: Options) throws(TrainingJobError) {
    self.plan = options.resumes ? try TrainingPlan.read(folder: output) : plan
    (self.output, self.options, self.trainer, identity) = (output, options, trainer, (id, version))
    for key in self.plan.settings.keys.sorted() where !trainer.info.parameters.contains(where: { $0.name == key }) {
      throw TrainingJobError(.configuration, TrainingPlan.unknown(key, trainer.info.parameters, id))
    }
  }

  /// Trains until done, or until its task is cancelled: then with a checkpoint.
  public func run(_ observer: Observer = Observer()) async throws(TrainingJobError) -> TrainingSummary {
    let folder = try TrainingFolder(output, keeps: options.keeps, resuming: options.resumes)
    guard !folder.isFinished else { throw TrainingJobError(.configuration, "\(output): this training is finished; there is nothing to resume") }
    let prepared = try prepare(folder, observer)
    let log = try TrainingLog(path: folder.log, after: prepared.resume?.header.step ?? 0)
    let host = RunObserver(folder, prepared.model, log, observer, step: prepared.resume?.header.step ?? 0)
    let request = TrainingRequest(
      model: prepared.model, data: prepared.data.stream(), settingsJSON: prepared.settings, seed: plan.seed, resumeState: prepared.resume?.state, observer: host)
    let result: TrainingResult
    do throws(PluginError) { result = try await trainer.train(request) } catch { throw translated(error, prepared.data, host) }
    try log.check()
    return try finish(folder, prepared, result, startLoss: log.startLoss)
  }

  /// Whether a training was begun in a folder and is not finished.
  public static func canResume(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/checkpoints/\(TrainingFolder.descriptionName)")
      && !FileManager.default.fileExists(atPath: "\(folder)/\(TrainingSummary.name)")
  }

  struct Prepared {
    let model: EngineModel, weights: any WeightSource, modelFolder: String?
    let data: TrainingData
    let settings: String
    let resume: (header: CheckpointFile.Header, state: [UInt8])?
    let writesAdapter: Bool
    let tokenizer: Tokenizer
  }

  private func finish(_ folder: TrainingFolder, _ prepared: Prepared, _ result: TrainingResult, startLoss: Double?) throws(TrainingJobError) -> TrainingSummary {
    let writer = TrainingOutput(folder: folder, model: prepared.model, weights: prepared.weights, modelFolder: prepared.modelFolder)
    let base = plan.baseName ?? plan.model
    var files: [String] = []
    if prepared.writesAdapter {
      files = try writer.writeAdapter(base: base)
    } else if plan.model == nil {
      files = try writer.writeModel()
    } else {
      files = try writer.writeDelta(base: base)
      if plan.writesMerged { files += try writer.writeModel() }
    }
    if let record = result.privacyRecordJSON {
      try folder.write(record, as: "privacy.json")
      files.append("privacy.json")
    }
    var metrics = result.metrics
    if let loss = metrics["validation_loss"] { metrics["validation_perplexity"] = exp(loss) }
    // What goes on from another adapter did not begin at the base, nor did what has none.
    if let before = startLoss, let after = metrics["validation_loss"], plan.model != nil, plan.initialAdapter == nil, metrics["lift"] == nil,
      let bytes = prepared.data.validationBytesPerToken(prepared.tokenizer)
    {
      metrics["lift"] = (before - after) / bytes
    }
    let summary = TrainingSummary(
      trainer: identity.id, trainerVersion: identity.version, centramVersion: options.centramVersion, model: plan.model, fromScratch: plan.fromScratch,
      dataHash: prepared.data.hash, sequences: prepared.data.sequences, tokens: prepared.data.tokens, length: prepared.data.length, settings: plan.settings,
      seed: result.privacyRecordJSON == nil ? plan.seed : nil, metrics: metrics.filter(\.value.isFinite), files: files)
    try folder.write(summary.text(), as: TrainingSummary.name)
    // They hold the seed, from which the noise could be taken out again.
    if result.privacyRecordJSON != nil { folder.removeCheckpoints() }
    return summary
  }

  /// A trainer's error in the words of a job, with what its batch held.
  private func translated(_ error: PluginError, _ data: TrainingData, _ host: RunObserver) -> TrainingJobError {
    if let failure = host.failure { return failure }
    if error.code == .inputOutput { return TrainingJobError(.output, error.message) }
    if error.code == .cancelled { return TrainingJobError(.cancelled, error.message) }
    guard error.code == .invalid, let step = host.stepAfterLast, error.message.contains("step \(step)") else { return TrainingJobError(.trainer, error.message) }
    func number(_ name: String) -> Int {
      if case .number(let value)? = plan.settings[name] { return Int(value) }
      guard case .number(let value)? = trainer.info.parameters.first(where: { $0.name == name })?.defaultValue else { return 1 }
      return Int(value)
    }
    let batch = number("batch"), accumulation = number("accumulation")
    guard accumulation > 0, batch > 0, !error.message.contains("sequence") else { return TrainingJobError(.trainer, error.message) }
    let rows = (0..<accumulation).flatMap { data.rows(step: (step - 1) * accumulation + $0, batch: batch) }
    let shown = rows.prefix(8).map { "\($0.index) (\($0.place))" }.joined(separator: ", ")
    return TrainingJobError(.trainer, "\(error.message). Its sequences: \(shown)\(rows.count > 8 ? " and \(rows.count - 8) more" : "")")
  }
}

/// What is known before the first step.
public struct TrainingForecast: Sendable {
  public var trainer: String
  public var sequences: Int, validationSequences: Int, tokens: Int, length: Int
  /// The step that a resume goes on from; nil at a start.
  public var resumedStep: Int?
}

/// Listens for the job: log, checkpoints, errors of the disk.
final class RunObserver: TrainingObserver {
  private let folder: TrainingFolder, model: EngineModel, log: TrainingLog
  private let observer: TrainingJob.Observer
  private let state: Mutex<(step: Int, failure: TrainingJobError?)>

  init(_ folder: TrainingFolder, _ model: EngineModel, _ log: TrainingLog, _ observer: TrainingJob.Observer, step: Int) {
    (self.folder, self.model, self.log, self.observer) = (folder, model, log, observer)
    state = Mutex((step, nil))
  }

  var failure: TrainingJobError? { state.withLock { $0.failure } }
  var stepAfterLast: Int? { state.withLock { $0.step + 1 } }

  func report(_ event: TrainingEvent) {
    state.withLock { $0.step = max($0.step, event.step) }
    log.add(event)
    observer.event(event)
  }

  func checkpoint(_ bytes: [UInt8]) throws(PluginError) {
    do throws(TrainingJobError) {
      try log.check()
      try folder.save(.init(step: state.withLock { $0.step }, passes: model.passes), bytes)
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
      throw PluginError(.inputOutput, error.message)
    }
  }

  func fail(_ error: TrainingJobError) { state.withLock { $0.failure = $0.failure ?? error } }
}
