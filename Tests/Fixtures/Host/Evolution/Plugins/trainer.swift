public import CentramPluginAPI

/// One step of gradient descent, told as progress and kept as a checkpoint.
struct OneStep: Trainer {
  let info = TrainerInfo(parameters: [.init("rate", .number, .shared, default: .number(0.5), "step")])

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let tokens = try request.data.batch(step: 0, batch: 1, length: 4)
    let loss = try await request.model.accumulate(tokens: tokens, batch: 1, length: 4, clipNorm: nil).loss
    for tensor in request.model.tensors { for index in tensor.values.indices { tensor.values[index] -= 0.5 * tensor.gradient[index] } }
    request.observer.report(TrainingEvent(step: 1, steps: 1, loss: loss))
    try request.observer.checkpoint([1, 2, 3])
    return TrainingResult(metrics: ["loss": loss])
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "early.trainer.one-step", version: "1.0.0", kind: CENTRAM_KIND_TRAINER, summary: "One step of gradient descent"
) { pluginInterface($0, .trainer { _ in OneStep() }) }
@c(centram_plugin_descriptor__early) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
