internal import ArgumentParser
internal import CentramHost
internal import CentramNode
internal import CentramPluginAPI
internal import Foundation
internal import Synchronization

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Trains an adapter or a model on text, with mlx-lm's flags and data formats.",
    discussion: """
      docs/TRAINING.md says how. Control-C stops after the step that runs, with a checkpoint; --resume goes on from it with the same result \
      as without the stop.
      """)
  @OptionGroup var input: TrainInput
  @OptionGroup var hyperparameters: TrainHyperparameters
  @OptionGroup var host: HostOptions
  @Option(help: ArgumentHelp("The folder to write: checkpoints, log, result. Default: adapters.", valueName: "folder")) var adapterPath: String?
  @Flag(help: "Go on with what was begun in --adapter-path; everything else comes from there.") var resume = false
  @Option(help: "Threads; the result does not depend on it. Default: one a core.") var threads: Int?
  @Option(help: "Checkpoints that are kept.") var keepCheckpoints = 2
  @Flag(help: "Keep no activations for the backward pass and compute them again: less memory, the same result.") var gradCheckpoint = false
  @Option(help: "Steps between lines of output. Default: 10.") var stepsPerReport: Int?
  @Flag(help: "Print JSON at the end, and no lines before it.") var json = false
  @Flag(help: "No lines before the end and no warnings.") var quiet = false

  func run() throws {
    Interrupt.watch()
    try Terminal.reporting {
      let node = try host.nodeConfiguration()
      let plugins = host.host(node)
      let file = try input.file()
      var options = TrainingJob.Options()
      options.threads = try validThreads()
      guard (1...1000).contains(keepCheckpoints) else { throw TrainingJobError(.configuration, "--keep-checkpoints \(keepCheckpoints): from 1 to 1000") }
      (options.keeps, options.resumes, options.centramVersion) = (keepCheckpoints, resume, CentramVersion.text)
      if gradCheckpoint || file.recomputes == true { options.activationBudget = 0 }
      let output = adapterPath ?? file.output ?? "adapters"
      let plan = resume ? try resumed(output) : try plan(file, plugins, ModelStore(folder: node.modelFolder ?? HostOptions.folder + "/models"))
      let job = try TrainingJob(plan, output: output, host: plugins, options: options)
      try train(job, output, every: max(1, stepsPerReport ?? file.stepsPerReport ?? 10))
    }
  }

  /// What the folder says; what the command line says of it must not contradict.
  private func resumed(_ output: String) throws -> TrainingPlan {
    guard input.isEmpty, hyperparameters.isEmpty else {
      throw TrainingJobError(.configuration, "--resume goes on with what \(output) was begun with; leave out the model, the data and the parameters")
    }
    return try TrainingPlan.read(folder: output)
  }

  private func plan(_ file: TrainingFile, _ plugins: PluginHost, _ store: ModelStore) throws -> TrainingPlan {
    let trainer = try input.trainer ?? input.fineTuneType.map { try TrainingFile.trainer($0) } ?? file.trainer ?? (input.fromScratch == nil ? "trainer.lora" : "trainer.full-delta")
    guard let data = input.data ?? file.data else { throw TrainingJobError(.configuration, "--data is missing: a folder with train.jsonl, a folder of texts, or a file") }
    let model = try (input.model ?? file.model).map { Self.absolute(try store.location($0)) }
    guard (model == nil) != (input.fromScratch == nil) else {
      throw TrainingJobError(.configuration, model == nil ? "--model is missing; --from-scratch gpt-byte needs none" : "--model and --from-scratch are both given; give one")
    }
    let specifications = try plugins.trainer(trainer).info.parameters
    let isPrivate = specifications.contains { $0.name == "noise_multiplier" }
    let given = input.seed ?? file.seed
    if isPrivate, given != nil { Terminal.note("warning: whoever knows the seed can take the noise out again; leave --seed out, and one is drawn that nobody knows") }
    var plan = TrainingPlan(trainer: trainer, model: model, fromScratch: input.fromScratch, data: Self.absolute(data), seed: given ?? (isPrivate ? .random(in: 0 ... .max) : 0))
    var texts = file.parameters
    // What a toy learns well with from scratch; a trainer's own default is for models that know something already.
    if input.fromScratch != nil { texts.merge(["learning_rate": "0.001"]) { given, _ in given } }
    texts.merge(try hyperparameters.parameters()) { $1 }
    for (key, text) in texts.sorted(by: { $0.key < $1.key }) { plan.settings[key] = try TrainingPlan.setting(key, text, of: specifications, trainer: trainer) }
    plan.lastLayers = (hyperparameters.numLayers ?? file.layers).flatMap { $0 < 0 ? nil : $0 }
    (plan.masksPrompts, plan.packs, plan.writesMerged) = (input.maskPrompt || file.masksPrompts == true, input.pack, input.merged)
    plan.chatTemplate = try input.template()
    (plan.initialAdapter, plan.baseName) = (input.resumeAdapterFile ?? file.initialAdapter, input.baseName)
    if let share = input.validationShare {
      guard share >= 0, share < 1 else { throw TrainingJobError(.configuration, "--validation-share \(share): from 0 to below 1") }
      plan.validationShare = share
    }
    return plan
  }

  /// A resume may start from another folder.
  private static func absolute(_ path: String) -> String { URL(fileURLWithPath: (path as NSString).expandingTildeInPath).standardizedFileURL.path }

  private func validThreads() throws -> Int {
    guard let threads else { return ProcessInfo.processInfo.activeProcessorCount }
    guard (1...64).contains(threads) else { throw TrainingJobError(.configuration, "--threads \(threads): from 1 to 64") }
    return threads
  }

  private func train(_ job: TrainingJob, _ output: String, every: Int) throws {
    let display = TrainDisplay(every: every, isShown: !json && !quiet)
    let observer = TrainingJob.Observer(
      event: { display.show($0) }, warn: { [quiet] message in if !quiet { Terminal.note("warning: \(message)") } }, begin: { display.begin($0) })
    let running = RunningTraining(job, observer)
    while !running.isDone(within: 0.05) {
      if Interrupt.isRequested, !running.isCancelled {
        display.finish()
        if !quiet { Terminal.note("stopping after this step; again to stop at once") }
        running.cancel()
      }
    }
    display.finish()
    let summary: TrainingSummary
    switch running.result {
    case .success(let found): summary = found
    case .failure(let error):
      if error.code == .cancelled, TrainingJob.canResume(output) {
        Terminal.note("\(error.message)\ngo on with: centram-host train --resume --adapter-path \(output)")
        throw ExitCode(130)
      }
      throw error
    }
    if json { return try Terminal.printJSON(summary) }
    print("\(output): \(summary.files.joined(separator: ", "))")
    for (name, value) in summary.metrics.sorted(by: { $0.key < $1.key }) { print("  \(name.replacingOccurrences(of: "_", with: " ")) \(TrainDisplay.short(value))") }
  }
}

/// A job on a task of its own, for a thread that waits.
private final class RunningTraining: Sendable {
  private let outcome = Mutex<Result<TrainingSummary, TrainingJobError>?>(nil)
  private let done = DispatchSemaphore(value: 0)
  private let task = Mutex<Task<Void, Never>?>(nil)

  init(_ job: TrainingJob, _ observer: TrainingJob.Observer) {
    task.withLock {
      $0 = Task.detached { [self] in
        let result: Result<TrainingSummary, TrainingJobError>
        do throws(TrainingJobError) { result = .success(try await job.run(observer)) } catch { result = .failure(error) }
        outcome.withLock { $0 = result }
        done.signal()
      }
    }
  }

  func isDone(within seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }
  var isCancelled: Bool { task.withLock { $0?.isCancelled } ?? false }
  func cancel() { task.withLock { $0?.cancel() } }
  /// Once it is done.
  var result: Result<TrainingSummary, TrainingJobError> {
    outcome.withLock { $0 } ?? .failure(TrainingJobError(.trainer, "the training ended without a result"))
  }
}
