internal import CentramLanes
internal import CentramPluginAPI
internal import Synchronization

/// A trainer in another process. What it trains lies in shared memory, and is copied to and from the model around each of the model's own passes.
struct IsolatedTrainer: Trainer {
  let info: TrainerInfo
  private let instance: RemoteInstance

  init(_ process: IsolatedProcess, _ environment: PluginEnvironment) throws(PluginError) {
    instance = RemoteInstance(process, configurationJSON: environment.configurationJSON)
    info = TrainerInfo(parameters: try instance.create { (it) throws(ChannelError) in try it.specifications() })
  }

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    let instance = instance, caller = TrainingCaller()
    let result = await withTaskCancellationHandler {
      await OwnThread.run("isolated trainer") { () -> Result<TrainingResult, PluginError> in
        Result { () throws(PluginError) in try Self.train(instance, request, caller) }
      }
    } onCancel: {
      caller.cancel()
    }
    return try result.get()
  }

  private static func train(_ instance: RemoteInstance, _ request: TrainingRequest, _ caller: TrainingCaller) throws(PluginError) -> TrainingResult {
    let (child, id) = try instance.bind()
    let session = TrainingSession(request, child, instance.process.blocks), call = ChildProcess.newID()
    defer { session.end() }
    caller.begin(child, call)
    var writer = MessageWriter()
    writer.add(request.settingsJSON)
    writer.add(request.seed)
    writer.add(optional: request.resumeState) { $0.add($1) }
    writer.add(UInt64(request.data.count))
    let payload = try child.onChannel { (channel) throws(CallFailure) in
      try channel.call(.train, instance: id, id: call, writer.bytes, limit: child.configuration.callNanoseconds(.trainer)) { (message) throws(CallFailure) in
        try session.answer(message)
      }
    }
    let result = try child.decode(payload) { (it) throws(ChannelError) in try it.trainingResult() }
    session.pull()
    return result
  }
}

/// Tells the process that the caller gave up, whichever of the two comes first: the call or its end.
private final class TrainingCaller: Sendable {
  private let state = Mutex<(call: (child: ChildProcess, id: UInt64)?, isCancelled: Bool)>((nil, false))

  func begin(_ child: ChildProcess, _ id: UInt64) {
    let isCancelled = state.withLock { state in
      state.call = (child, id)
      return state.isCancelled
    }
    if isCancelled { child.cancel(id) }
  }

  func cancel() {
    let call = state.withLock { state in
      state.isCancelled = true
      return state.call
    }
    if let call { call.child.cancel(call.id) }
  }
}

/// One call of `train`, on one thread.
private final class TrainingSession {
  private let request: TrainingRequest
  private let child: ChildProcess
  private let pool: SharedPool
  private var tensors: [(own: TrainableTensor, shared: SharedTensor)] = []
  private var memory: SharedMemory?
  /// What the process may still look at until the call ends.
  private var old: [SharedMemory] = []

  init(_ request: TrainingRequest, _ child: ChildProcess, _ pool: SharedPool) { (self.request, self.child, self.pool) = (request, child, pool) }

  func end() { for memory in old + [memory].compactMap({ $0 }) { pool.giveBack(memory) } }

  func answer(_ message: Message) throws(CallFailure) -> [UInt8] {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    let question: Question
    do throws(ChannelError) {
      question = try Question(message.operation, &reader)
      try reader.end()
    } catch { throw .lost(error) }
    do throws(PluginError) { try answer(question, &writer) } catch { throw .plugin(error) }
    return writer.bytes
  }

  private enum Question {
    case tensors, attachAdapter(String, UInt64), batch(Int, Int, Int), sequence(Int, Int), report(TrainingEvent), checkpoint([UInt8])
    case accumulate([Int32], Int, Int, Double?), loss([Int32], Int, Int)

    init(_ operation: Operation, _ reader: inout MessageReader) throws(ChannelError) {
      switch operation {
      case .tensors: self = .tensors
      case .attachAdapter: self = .attachAdapter(try reader.text(), try reader.number())
      case .batch: self = .batch(Int(try reader.number(Int64.self)), try reader.size(limit: 1 << 32), try reader.size(limit: 1 << 32))
      case .sequence: self = .sequence(try reader.size(limit: .max), try reader.size(limit: 1 << 32))
      case .report: self = .report(try reader.trainingEvent())
      case .checkpoint: self = .checkpoint(try reader.list())
      case .accumulate, .loss:
        let tokens = try reader.tokens(), batch = try reader.size(limit: 1 << 32), length = try reader.size(limit: 1 << 32)
        guard batch.multipliedReportingOverflow(by: length) == (tokens.count, false) else { throw .broken("\(tokens.count) tokens for \(batch) × \(length)") }
        self = operation == .loss ? .loss(tokens, batch, length) : .accumulate(tokens, batch, length, try reader.optionalDouble())
      default: throw .broken("\(operation) was asked for by a trainer")
      }
    }
  }

  private func answer(_ question: Question, _ writer: inout MessageWriter) throws(PluginError) {
    let model = request.model
    switch question {
    case .tensors:
      try layOut()
      writer.add(memory?.id ?? 0)
      writer.add(tensors) { $0.add($1.shared) }
    case .attachAdapter(let configuration, let seed):
      pull()
      try model.attachAdapter(configurationJSON: configuration, seed: seed)
      if let memory { old.append(memory) }
      (memory, tensors) = (nil, [])
    case .batch(let step, let batch, let length):
      let tokens = try request.data.batch(step: step, batch: batch, length: length)
      guard tokens.count == batch.multipliedReportingOverflow(by: length).partialValue else {
        throw PluginError(.shapeMismatch, "the data gave \(tokens.count) tokens for \(batch) × \(length)")
      }
      writer.add(tokens: tokens)
    case .sequence(let index, let length): writer.add(tokens: try request.data.sequence(index, length: length))
    case .report(let event): request.observer.report(event)
    case .checkpoint(let state):
      pull()
      try request.observer.checkpoint(state)
    case .accumulate(let tokens, let batch, let length, let clip):
      pull()
      let found = try OwnThread.wait { () -> Result<(Double, [Double]), PluginError> in
        do throws(PluginError) {
          let (loss, norms) = try await model.accumulate(tokens: tokens, batch: batch, length: length, clipNorm: clip)
          return .success((loss, norms))
        } catch { return .failure(error) }
      }.get()
      push()
      writer.add(found.0)
      writer.add(found.1) { $0.add($1) }
    case .loss(let tokens, let batch, let length):
      pull()
      writer.add(
        try OwnThread.wait { () -> Result<Double, PluginError> in
          do throws(PluginError) { return .success(try await model.loss(tokens: tokens, batch: batch, length: length)) } catch { return .failure(error) }
        }.get())
    }
  }

  /// Gives all trainable tensors a place in shared memory.
  private func layOut() throws(PluginError) {
    guard memory == nil else { return }
    var place = 0
    tensors = []
    for tensor in request.model.tensors {
      let size = (tensor.values.count * MemoryLayout<Float>.stride + 63) & ~63
      tensors.append((tensor, SharedTensor(name: tensor.name, shape: tensor.shape, count: tensor.values.count, values: place, gradient: place + size)))
      place += 2 * size
    }
    let memory = try pool.take(inputs: 1, output: place)
    self.memory = memory
    push()
    try child.share(memory)
  }

  /// Brings the model to what the trainer made of it.
  func pull() { copy { shared, own, count in own.update(from: shared, count: count) } }
  /// Shows the trainer what the model made.
  private func push() { copy { shared, own, count in shared.update(from: own, count: count) } }

  private func copy(_ body: (_ shared: UnsafeMutablePointer<Float>, _ own: UnsafeMutablePointer<Float>, _ count: Int) -> Void) {
    guard let start = memory?.output.baseAddress else { return }
    for (own, shared) in tensors where shared.count > 0 {
      guard let values = own.values.baseAddress, let gradient = own.gradient.baseAddress else { continue }
      body((start + shared.values).assumingMemoryBound(to: Float.self), values, shared.count)
      body((start + shared.gradient).assumingMemoryBound(to: Float.self), gradient, min(shared.count, own.gradient.count))
    }
  }
}
