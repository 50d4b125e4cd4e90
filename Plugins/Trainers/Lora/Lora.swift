public import CentramPluginAPI
import CentramTrainingSupport

/// Low-rank adaptation (Hu et al., arXiv 2106.09685): trains the factors of ΔW = scale · B · A beside frozen weights. With `rslora`
/// the scale is alpha / √rank (Kalajdzievski, arXiv 2312.03732).
struct Lora: Trainer {
  static let id: StaticString = "trainer.lora"
  let services: any HostServices
  let info = TrainerInfo(parameters: ParameterSpecification.adapter + ParameterSpecification.training(learningRate: 2e-4))

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let reader = try SettingsReader(json: request.settingsJSON, specifications: info.parameters)
    let settings = try TrainingSettings(reader, sequences: request.data.count)
    try request.model.attachAdapter(configurationJSON: try AdapterSettings(reader).configurationJSON, seed: request.seed)
    let tensors = request.model.tensors
    let run = try TrainingRun(request, settings, trainer: Self.id.description, services: services, tensors: tensors)
    return TrainingResult(metrics: try await run.run(try run.start(), AveragedGradient(request, settings)))
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Lora.id, version: "1.0.0", kind: CENTRAM_KIND_TRAINER, summary: "Trains low-rank factors beside frozen weights"
) { pluginInterface($0, .trainer { environment in Lora(services: environment.services) }) }

@c(centram_plugin_descriptor__trainer_lora) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
