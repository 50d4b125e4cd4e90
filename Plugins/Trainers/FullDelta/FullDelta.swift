public import CentramPluginAPI
import CentramTrainingSupport

/// Trains every tensor that the model lends. The host writes the difference to the base, or the whole model.
struct FullDelta: Trainer {
  static let id: StaticString = "trainer.full-delta"
  let services: any HostServices
  let info = TrainerInfo(parameters: ParameterSpecification.training(learningRate: 2e-5))

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let reader = try SettingsReader(json: request.settingsJSON, specifications: info.parameters)
    let settings = try TrainingSettings(reader, sequences: request.data.count)
    let run = try TrainingRun(request, settings, trainer: Self.id.description, services: services, tensors: request.model.tensors)
    return TrainingResult(metrics: try await run.run(try run.start(), AveragedGradient(request, settings)))
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: FullDelta.id, version: "1.0.0", kind: CENTRAM_KIND_TRAINER, summary: "Trains every weight of the model"
) { pluginInterface($0, .trainer { environment in FullDelta(services: environment.services) }) }

@c(centram_plugin_descriptor__trainer_full_delta) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
