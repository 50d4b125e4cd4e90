// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation

/// Stochastic gradient descent on a low-rank adapter. Each step subtracts the learning rate times the mean gradient.
///
/// The host holds the model and the data, computes gradients and stores checkpoints. A trainer decides what to do with them, can be
/// stopped between any two steps, and goes on from a checkpoint to the same bits.
struct Descent: Trainer {
  let info = TrainerInfo(parameters: Hyperparameters.specifications)

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let settings = try Hyperparameters(json: request.settingsJSON, info.parameters)
    // Makes the adapter; its factors are then the tensors. The base model's weights stay as they are.
    try request.model.attachAdapter(configurationJSON: #"{"r":\#(settings.rank),"lora_alpha":\#(2 * settings.rank)}"#, seed: request.seed)
    let tensors = request.model.tensors
    var progress = Checkpoint(seed: request.seed, steps: settings.steps)
    if let state = request.resumeState, !state.isEmpty { progress = try progress.restored(from: state, to: tensors) }

    while progress.step < settings.steps {
      if Task.isCancelled {
        try request.observer.checkpoint(progress.bytes(tensors))
        throw PluginError(.cancelled, "stopped after step \(progress.step)")
      }
      progress.loss = try await step(progress.step, request, settings, tensors)
      progress.step += 1
      request.observer.report(TrainingEvent(step: progress.step, steps: settings.steps, loss: progress.loss))
      if settings.checkpointEvery > 0, progress.step % settings.checkpointEvery == 0 { try request.observer.checkpoint(progress.bytes(tensors)) }
    }
    // No privacy record: nothing private was promised.
    return TrainingResult(metrics: ["loss": progress.loss, "steps": Double(settings.steps)])
  }

  /// - Returns: the loss, in nat a token.
  private func step(
    _ number: Int, _ request: TrainingRequest, _ settings: Hyperparameters, _ tensors: [TrainableTensor]
  ) async throws(PluginError) -> Double {
    let tokens = try request.data.batch(step: number, batch: settings.batch, length: settings.length)
    for tensor in tensors { tensor.gradient.update(repeating: 0) }
    let loss = try await request.model.accumulate(tokens: tokens, batch: settings.batch, length: settings.length, clipNorm: nil).loss
    guard loss.isFinite else {
      throw PluginError(.invalid, "the loss of step \(number + 1) is not a number; a smaller learning_rate than \(settings.learningRate) may help")
    }
    // The gradient is a sum over the tokens that count: all but each row's first, and none whose id is negative.
    let counted = tokens.indices.count { $0 % settings.length != 0 && tokens[$0] >= 0 }
    let rate = Float(settings.learningRate / Double(max(1, counted)))
    for tensor in tensors {
      for index in tensor.values.indices { tensor.values[index] -= rate * tensor.gradient[index] }
    }
    return loss
  }
}

// The door: what the host looks up in the library.
nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "@ID@", version: "0.1.0", kind: CENTRAM_KIND_TRAINER, summary: "Plain gradient descent on an adapter"
) { pluginInterface($0, .trainer { _ in Descent() }) }

@c(centram_plugin_descriptor__@MODULE@) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
