public import CentramPluginAPI

/// The gradient of one step, left in the tensors' accumulators and ready for the optimiser.
public protocol GradientSource: Sendable {
  /// - Returns: the mean loss in nat a token, nil where the step saw no data, and how many tokens it saw.
  func gradient(step: Int, of tensors: [TrainableTensor]) async throws(PluginError) -> (loss: Double?, tokens: Int)
}

/// The steps of a training: gradient, optimiser, reports, validation, checkpoints, cancellation. What trainers share.
public struct TrainingRun: Sendable {
  let request: TrainingRequest
  let settings: TrainingSettings
  let trainer: String
  let clock: (any ClockService)?
  let tensors: [TrainableTensor]

  /// - Parameters:
  ///   - trainer: its id, kept in checkpoints.
  ///   - tensors: those that are trained.
  public init(_ request: TrainingRequest, _ settings: TrainingSettings, trainer: String, services: any HostServices, tensors: [TrainableTensor]) throws(PluginError) {
    guard !tensors.isEmpty else { throw PluginError(.invalid, "the model has nothing to train") }
    (self.request, self.settings, self.trainer, self.tensors) = (request, settings, trainer, tensors)
    clock = services.service("centram.clock/1") as? any ClockService
  }

  /// A run from its start or from a checkpoint.
  public func start() throws(PluginError) -> Progress {
    var optimizer = AdamW(settings.adam, counts: tensors.map(\.values.count))
    guard let bytes = request.resumeState else { return Progress(optimizer: optimizer) }
    let state = try ResumeState(bytes, trainer: trainer, fingerprint: settings.fingerprint, seed: request.seed, into: tensors, &optimizer)
    return Progress(optimizer: optimizer, step: state.step, numbers: state.numbers, lastCheckpoint: state.step)
  }

  public struct Progress: Sendable {
    var optimizer: AdamW
    /// Steps done.
    public var step = 0
    /// The last loss, then what the trainer keeps.
    public var numbers: [Double] = [.nan]
    var lastCheckpoint: Int?
    var validationLoss: Double?
  }

  /// Goes on from `progress` to the last step.
  /// - Returns: `loss`, `validation_loss`, `steps`, `parameters`; only what is known.
  public func run(_ start: Progress, _ source: some GradientSource) async throws(PluginError) -> [String: Double] {
    var progress = start
    if progress.step == 0 { try await validate(&progress) }
    while progress.step < settings.steps {
      if Task.isCancelled {
        try checkpoint(&progress)
        throw PluginError(.cancelled, "stopped after step \(progress.step) of \(settings.steps), with a checkpoint")
      }
      try await advance(&progress, source)
    }
    if progress.lastCheckpoint != progress.step { try checkpoint(&progress) }
    var metrics = ["steps": Double(progress.step), "parameters": Double(tensors.reduce(0) { $0 + $1.values.count })]
    if let loss = progress.numbers.first, loss.isFinite { metrics["loss"] = loss }
    if let loss = progress.validationLoss { metrics["validation_loss"] = loss }
    return metrics
  }

  private func advance(_ progress: inout Progress, _ source: some GradientSource) async throws(PluginError) {
    let step = progress.step + 1
    let before = clock?.monotonicNanoseconds
    Gradients.zero(tensors)
    let found: (loss: Double?, tokens: Int)
    do throws(PluginError) { found = try await source.gradient(step: step, of: tensors) } catch {
      guard error.code == .invalid else { throw error }
      throw PluginError(.invalid, "\(error.message) (\(place(step, progress)))")
    }
    if let loss = found.loss, !loss.isFinite { throw PluginError(.invalid, "the loss is \(loss) at \(place(step, progress))") }
    if let clip = settings.clip {
      let norm = Gradients.clip(tensors, to: clip)
      guard norm.isFinite else { throw PluginError(.invalid, "the gradients' norm is \(norm) at \(place(step, progress))") }
    }
    let rate = settings.rate(step)
    progress.optimizer.update(tensors, learningRate: rate)
    progress.step = step
    if let loss = found.loss { progress.numbers[0] = loss }
    var event = TrainingEvent(step: step, steps: settings.steps, loss: found.loss, message: "learning rate \(rate)")
    if let before, let now = clock?.monotonicNanoseconds, now > before { event.tokensPerSecond = Double(found.tokens) * 1e9 / Double(now - before) }
    request.observer.report(event)
    if step == settings.steps || (settings.validateEvery > 0 && step % settings.validateEvery == 0) { try await validate(&progress) }
    if settings.checkpointEvery > 0, step % settings.checkpointEvery == 0 { try checkpoint(&progress) }
  }

  /// Where a step went wrong, and what is left.
  private func place(_ step: Int, _ progress: Progress) -> String {
    let first = (step - 1) * settings.accumulation, last = first + settings.accumulation - 1
    let batches = first == last ? "batch \(first)" : "batches \(first) to \(last)"
    let kept = progress.lastCheckpoint.map { "the last good checkpoint is that of step \($0)" } ?? "there is no checkpoint yet"
    return "step \(step), \(batches) of the data; \(kept); try a lower learning rate, a warm-up or a smaller clip"
  }

  private func checkpoint(_ progress: inout Progress) throws(PluginError) {
    let state = ResumeState(trainer: trainer, fingerprint: settings.fingerprint, seed: request.seed, step: progress.step, numbers: progress.numbers)
    try request.observer.checkpoint(state.encoded(tensors, progress.optimizer))
    progress.lastCheckpoint = progress.step
  }

  /// The mean over the held-out batches, which are those of the steps below 0.
  private func validate(_ progress: inout Progress) async throws(PluginError) {
    guard settings.validateEvery > 0 else { return }
    var sum = 0.0, count = 0
    for batch in 0..<settings.validationBatches {
      let tokens: [Int32]
      do throws(PluginError) { tokens = try request.data.batch(step: ~batch, batch: settings.batch, length: settings.length) } catch {
        if error.code == .unavailable { break }
        throw error
      }
      let counted = CountedTokens.count(tokens, length: settings.length)
      guard counted > 0 else { continue }
      sum += Double(counted) * (try await request.model.loss(tokens: tokens, batch: settings.batch, length: settings.length))
      count += counted
    }
    guard count > 0 else { return }
    progress.validationLoss = sum / Double(count)
    request.observer.report(TrainingEvent(step: progress.step, steps: settings.steps, validationLoss: sum / Double(count)))
  }
}

/// The mean over the counted tokens of a step's batches, clipped by `TrainingRun`: what trainers without privacy use.
public struct AveragedGradient: GradientSource {
  let request: TrainingRequest
  let settings: TrainingSettings

  public init(_ request: TrainingRequest, _ settings: TrainingSettings) { (self.request, self.settings) = (request, settings) }

  public func gradient(step: Int, of tensors: [TrainableTensor]) async throws(PluginError) -> (loss: Double?, tokens: Int) {
    var sum = 0.0, counted = 0, read = 0
    for part in 0..<settings.accumulation {
      let tokens = try request.data.batch(step: (step - 1) * settings.accumulation + part, batch: settings.batch, length: settings.length)
      let count = CountedTokens.count(tokens, length: settings.length)
      guard count > 0 else { continue }
      let found = try await request.model.accumulate(tokens: tokens, batch: settings.batch, length: settings.length, clipNorm: nil)
      guard found.loss.isFinite else { return (found.loss, 0) }
      sum += found.loss * Double(count)
      counted += count
      read += CountedTokens.read(tokens, length: settings.length)
    }
    guard counted > 0 else { return (nil, 0) }
    // The model adds sums over tokens, so that batches of few and of many count by their tokens.
    Gradients.scale(tensors, by: 1 / Double(counted))
    return (sum / Double(counted), read)
  }
}

/// Which tokens of a batch are counted in its loss: those of 0 and above, but for the first of each row, which nothing precedes.
public enum CountedTokens {
  /// Tokens up to the last counted one of each row: what a model has to read.
  public static func read(_ tokens: [Int32], length: Int) -> Int {
    var sum = 0
    for start in stride(from: 0, to: tokens.count, by: length) {
      var end = min(start + length, tokens.count)
      while end > start, tokens[end - 1] < 0 { end -= 1 }
      sum += end - start
    }
    return sum
  }

  public static func count(_ tokens: [Int32], length: Int) -> Int {
    var count = 0
    for (index, token) in tokens.enumerated() where token >= 0 && index % length != 0 { count += 1 }
    return count
  }
}
