public import CentramPluginAPI
import CentramTrainingSupport

/// Low-rank adaptation with differential privacy: `PrivateGradient` on B alone. A keeps its random start: with both trained the
/// noise of one multiplies that of the other.
struct DPLora: Trainer {
  static let id: StaticString = "trainer.dp-lora", version: StaticString = "1.0.0"
  /// Gradients that the median is taken of.
  static let medianSample = 64
  let services: any HostServices
  let info = TrainerInfo(parameters: ParameterSpecification.adapter + ParameterSpecification.training(learningRate: 1e-3, clip: 0, weightDecay: 0) + privacy)

  static let privacy: [ParameterSpecification] = [
    .init("epsilon", .number, default: .number(8), limits: 1e-3...1e4, "privacy that is to be kept; the noise follows from it"),
    .init("noise_multiplier", .number, limits: 0.05...1000, "noise in the place of epsilon, in units of clip_norm"),
    .init("delta", .number, limits: 1e-30...0.5, "probability that epsilon does not cover; (sequences)^−1.1 where it is not given"),
    .init("clip_norm", .string, default: .string("median"), "bound of each sequence's gradient: a number, or median"),
    .init("microbatch", .integer, default: .number(8), limits: 1...4096, "sequences computed at a time; changes no result but rounding"),
    .init("data_hash", .string, default: .string(""), "SHA-256 of the data, for the record; the host gives it"),
  ]

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let reader = try SettingsReader(json: request.settingsJSON, specifications: info.parameters)
    let settings = try TrainingSettings(reader, sequences: request.data.count)
    guard settings.accumulation == 1 else {
      throw PluginError(.invalid, "accumulation is \(settings.accumulation); a private step is one sample: raise batch, microbatch bounds the memory")
    }
    let privacy = try PrivacySettings(reader, settings, sequences: request.data.count)
    var adapter = try AdapterSettings(reader)
    adapter.freezesA = true
    try request.model.attachAdapter(configurationJSON: adapter.configurationJSON, seed: request.seed)
    let tensors = request.model.tensors.filter { $0.name.contains("lora_B") || $0.name.contains("lora_embedding_B") }
    let run = try TrainingRun(request, settings, trainer: Self.id.description, services: services, tensors: tensors)
    var progress = try run.start()
    func source(_ clipNorm: Double) -> PrivateGradient {
      PrivateGradient(
        request, length: settings.length, expectedBatch: settings.batch, microbatch: privacy.microbatch, noiseMultiplier: privacy.noiseMultiplier, clipNorm: clipNorm)
    }
    if progress.numbers.count < 2 {
      if let given = privacy.clipNorm {
        progress.numbers.append(given)
      } else {
        progress.numbers.append(try await source(1).medianNorm(of: Self.medianSample, tensors: request.model.tensors))
      }
    }
    let gradient = source(progress.numbers[1])
    var metrics = try await run.run(progress, gradient)
    let record = try Self.reporting { () throws(AccountingError) in
      try PrivacyRecord(
        trainer: Self.id.description, trainerVersion: Self.version.description, sequences: request.data.count, length: settings.length, expectedBatch: settings.batch,
        samplingRate: gradient.samplingRate, noiseMultiplier: privacy.noiseMultiplier, clipNorm: gradient.clipNorm,
        clipNormSource: privacy.clipNorm == nil ? "median of \(min(Self.medianSample, request.data.count)) gradients, which the account does not cover" : "given",
        steps: settings.steps, delta: privacy.delta, dataHash: reader.string("data_hash"))
    }
    (metrics["epsilon"], metrics["delta"], metrics["noise_multiplier"], metrics["clip_norm"]) = (record.epsilon, record.delta, record.noiseMultiplier, record.clipNorm)
    return TrainingResult(metrics: metrics, privacyRecordJSON: try record.signed(by: services.service("centram.identity/1") as? any IdentityService))
  }

  /// Gives an account's error the words of a plugin.
  static func reporting<Value>(_ body: () throws(AccountingError) -> Value) throws(PluginError) -> Value {
    do throws(AccountingError) { return try body() } catch { throw PluginError(.invalid, error.message) }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: DPLora.id, version: DPLora.version, kind: CENTRAM_KIND_TRAINER, summary: "Trains low-rank factors with differential privacy"
) { pluginInterface($0, .trainer { environment in DPLora(services: environment.services) }) }

@c(centram_plugin_descriptor__trainer_dp_lora) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
