// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation
import Synchronization

/// A trainer under test and what it trains.
struct TrainerScene: Sendable {
  let options: TrainerConformance.Options
  let configurationJSON: String
  let make: @Sendable (String) throws(PluginError) -> any Trainer

  /// One training, and what came of it.
  struct Run: Sendable {
    let model: SuiteModel, observer: SuiteObserver, tokens: SuiteTokens
    let result: Result<TrainingResult, PluginError>
    func get() throws -> TrainingResult { try result.get() }
    var error: PluginError? { if case .failure(let error) = result { error } else { nil } }
  }

  func train(
    steps: Int? = nil, checkpointEvery: Int = 1, seed: UInt64? = nil, resume: [UInt8]? = nil, model: SuiteModel? = nil, tokens: SuiteTokens = SuiteTokens(),
    observer: SuiteObserver = SuiteObserver(), settings: String? = nil
  ) async throws -> Run {
    let model = model ?? SuiteModel(seed: options.seed), trainer = try make(configurationJSON)
    let request = TrainingRequest(
      model: model, data: tokens, settingsJSON: settings ?? self.settings(trainer.info, steps: steps ?? options.steps, checkpointEvery: checkpointEvery),
      seed: seed ?? options.seed &+ 2, resumeState: resume, observer: observer)
    let result: Result<TrainingResult, PluginError>
    do throws(PluginError) { result = .success(try await trainer.train(request)) } catch { result = .failure(error) }
    return Run(model: model, observer: observer, tokens: tokens, result: result)
  }

  /// A run that must end well.
  func trained(steps: Int? = nil, seed: UInt64? = nil, resume: [UInt8]? = nil) async throws -> Run {
    let run = try await train(steps: steps, seed: seed, resume: resume)
    if let error = run.error { throw Finding.failed("a training of \(steps ?? options.steps) steps to end well", "it threw \(error)") }
    return run
  }

  func settings(_ info: TrainerInfo, steps: Int, checkpointEvery: Int, change: [String: ParameterValue] = [:]) -> String {
    if let own = options.settingsJSON { return own(steps, checkpointEvery) }
    let numbers: [String: Double] = [
      "steps": Double(steps), "batch": 4, "length": 9, "learning_rate": 0.05, "checkpoint_every": Double(checkpointEvery), "validate_every": 0, "warm_up": 0,
    ]
    var values: [String: ParameterValue] = numbers.mapValues { .number($0) }.filter { value in info.parameters.contains { $0.name == value.key } }
    values.merge(options.settings) { $1 }
    values.merge(change) { $1 }
    let texts = values.sorted { $0.key < $1.key }.map { name, value in
      if case .string(let text) = value { return "\"\(name)\":\"\(text)\"" }
      return "\"\(name)\":\(value)"
    }
    return "{\(texts.joined(separator: ","))}"
  }

  /// Loss on what is held out.
  func heldOutLoss(_ model: SuiteModel) async throws -> Double {
    try await model.loss(tokens: try SuiteTokens().batch(step: ~0, batch: 8, length: 9), batch: 8, length: 9)
  }
}

/// A task that may be cancelled from within itself.
final class SuiteTask<Value: Sendable>: Sendable {
  private let task = Mutex<Task<Value, any Error>?>(nil)

  /// The lock is held until the task is known, so whoever cancels from within finds it.
  func start(_ body: @escaping @Sendable () async throws -> Value) -> Task<Value, any Error> {
    task.withLock { slot in
      let task = Task { try await body() }
      slot = task
      return task
    }
  }
  func cancel() { task.withLock { $0?.cancel() } }
}
