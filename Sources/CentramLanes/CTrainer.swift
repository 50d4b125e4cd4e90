internal import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// `centram.trainer/1` as a Swift trainer. The C function blocks for as long as training takes, so it has a thread of its own.
struct CTrainer: Trainer {
  let info: TrainerInfo
  private let table: Lent<centram_trainer_v1_t>
  private let instance: CInstance

  init(_ table: centram_trainer_v1_t, _ environment: PluginEnvironment) throws(PluginError) {
    info = TrainerInfo(parameters: try ParameterSpecification.list(table.parameters, count: table.parameter_count))
    self.table = Lent(table)
    instance = try CInstance(table.create, table.destroy, environment)
  }

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let call = CTrainCall(request), table = table, instance = instance
    let result = await withTaskCancellationHandler {
      await OwnThread.run("trainer") { () -> Result<TrainingResult, PluginError> in
        Result { () throws(PluginError) in
          try call.withTable { (lent) throws(PluginError) in
            try callingC("train", known: { call.error }) { table.value.train?(instance.pointer, lent, $0, $1) ?? 0 }
          }
          return try call.result()
        }
      }
    } onCancel: {
      call.isCancelled.store(true, ordering: .relaxed)
    }
    return try result.get()
  }
}

/// One call of `train`: what its C request points to. All its functions are called on the trainer's own thread.
private final class CTrainCall: Sendable {
  let isCancelled = Atomic(false)
  private let request: TrainingRequest
  private let arena = CArena()
  private let state = Mutex<(tensors: [TrainableTensor], error: PluginError?, metrics: String?, privacy: String?)>(([], nil, nil, nil))

  init(_ request: TrainingRequest) { self.request = request }

  func withTable(_ body: (UnsafePointer<centram_trainer_request_t>) throws(PluginError) -> Void) throws(PluginError) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    state.withLock { $0.tensors = request.model.tensors }
    var model = model(context)
    var table = centram_trainer_request_t()
    table.struct_size = UInt32(MemoryLayout<centram_trainer_request_t>.size)
    (table.seed, table.settings_json, table.resume_state) = (request.seed, arena.string(request.settingsJSON), arena.bytes(request.resumeState ?? []))
    table.context = context
    table.batch = { context, step, batch, length, tokens in
      let call = object(context, as: CTrainCall.self)
      return call.status { () throws(PluginError) in
        let drawn = try call.request.data.batch(step: Int(clamping: step), batch: Int(clamping: batch), length: Int(clamping: length))
        guard drawn.count == (try CTrainCall.size(batch, length)) else { throw PluginError(.shapeMismatch, "the data gave \(drawn.count) tokens for \(batch) × \(length)") }
        tokens?.update(from: drawn, count: drawn.count)
      }
    }
    table.event = { context, json in
      guard let json, let event = try? JSONDecoder().decode(EventJSON.self, from: Data(String(cString: json).utf8)) else { return }
      object(context, as: CTrainCall.self).request.observer.report(event.event)
    }
    table.checkpoint = { context, bytes, count in
      let call = object(context, as: CTrainCall.self)
      let state = Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(clamping: count)))
      return call.status { () throws(PluginError) in try call.request.observer.checkpoint(state) }
    }
    table.is_cancelled = { object($0, as: CTrainCall.self).isCancelled.load(ordering: .relaxed) ? 1 : 0 }
    table.result = { context, metrics, privacy in
      let (metrics, privacy) = (metrics.map { String(cString: $0) }, privacy.map { String(cString: $0) })
      object(context, as: CTrainCall.self).state.withLock { ($0.metrics, $0.privacy) = (metrics, privacy) }
    }
    defer { withExtendedLifetime(self) {} }
    try withUnsafePointer(to: &model) { (lent) throws(PluginError) in
      table.model = lent
      try body(&table)
    }
  }

  /// The last failure of the host's own functions.
  var error: PluginError? { state.withLock { $0.error } }

  func result() throws(PluginError) -> TrainingResult {
    let (metrics, privacy) = state.withLock { ($0.metrics, $0.privacy) }
    guard let metrics else { throw PluginError(.internalFailure, "the trainer ended without a result") }
    guard let values = try? JSONDecoder().decode([String: Double].self, from: Data(metrics.utf8)) else {
      throw PluginError(.internalFailure, "the trainer's metrics are not a JSON object of numbers: \(metrics.prefix(80))")
    }
    return TrainingResult(metrics: values, privacyRecordJSON: privacy.flatMap { $0.isEmpty ? nil : $0 })
  }

  private func model(_ context: UnsafeMutableRawPointer) -> centram_trainable_t {
    var table = centram_trainable_t()
    (table.struct_size, table.context) = (UInt32(MemoryLayout<centram_trainable_t>.size), context)
    table.tensor_count = { UInt64(object($0, as: CTrainCall.self).state.withLock { $0.tensors.count }) }
    table.tensor = { context, index, name, rank, shape, data in
      let call = object(context, as: CTrainCall.self)
      return call.status { () throws(PluginError) in
        let tensor = try call.tensor(index)
        name?.pointee = call.arena.string(tensor.name)
        rank?.pointee = UInt32(tensor.shape.count)
        shape?.pointee = call.arena.array(tensor.shape.map(UInt64.init))
        data?.pointee = tensor.values.baseAddress
      }
    }
    table.gradient = { context, index, data in
      let call = object(context, as: CTrainCall.self)
      return call.status { () throws(PluginError) in data?.pointee = try call.tensor(index).gradient.baseAddress }
    }
    table.attach_adapter = { context, configuration, seed in
      let call = object(context, as: CTrainCall.self), text = configuration.map { String(cString: $0) } ?? "{}"
      return call.status { () throws(PluginError) in
        try call.request.model.attachAdapter(configurationJSON: text, seed: seed)
        call.state.withLock { $0.tensors = call.request.model.tensors }
      }
    }
    table.accumulate = { context, tokens, batch, length, clipNorm, loss, norms in
      let call = object(context, as: CTrainCall.self)
      return call.status { () throws(PluginError) in
        let ids = Array(UnsafeBufferPointer(start: tokens, count: tokens == nil ? 0 : try CTrainCall.size(batch, length)))
        let model = call.request.model, clip: Double? = clipNorm > 0 ? clipNorm : nil
        let result = OwnThread.wait { () -> Result<(loss: Double, norms: [Double]), PluginError> in
          do throws(PluginError) {
            return .success(try await model.accumulate(tokens: ids, batch: Int(batch), length: Int(length), clipNorm: clip))
          } catch { return .failure(error) }
        }
        let found = try result.get()
        loss?.pointee = found.loss
        if clip != nil, found.norms.count == Int(batch) { norms?.update(from: found.norms, count: found.norms.count) }
      }
    }
    return table
  }

  private func tensor(_ index: UInt64) throws(PluginError) -> TrainableTensor {
    let tensors = state.withLock { $0.tensors }
    guard index < tensors.count else { throw PluginError(.invalid, "tensor \(index) was asked for, there are \(tensors.count)") }
    return tensors[Int(index)]
  }

  private func status(_ body: () throws(PluginError) -> Void) -> Int32 {
    statusForC(keeping: { error in state.withLock { $0.error = error } }, body)
  }

  private static func size(_ batch: UInt64, _ length: UInt64) throws(PluginError) -> Int {
    let (size, overflows) = batch.multipliedReportingOverflow(by: length)
    guard !overflows, size <= 1 << 32 else { throw PluginError(.limitExceeded, "\(batch) × \(length) tokens; a batch has at most 4,294,967,296") }
    return Int(size)
  }

  /// An event as C trainers write it: the names of `TrainingEvent`.
  private struct EventJSON: Decodable {
    var step: Int, steps: Int, loss: Double?, validationLoss: Double?, tokensPerSecond: Double?, message: String?
    var event: TrainingEvent {
      TrainingEvent(step: step, steps: steps, loss: loss, validationLoss: validationLoss, tokensPerSecond: tokensPerSecond, message: message)
    }
  }
}
