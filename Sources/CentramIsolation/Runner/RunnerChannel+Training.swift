internal import CentramLanes
internal import CentramPluginAPI
internal import Synchronization

extension RunnerChannel {
  func train(_ trainer: any Trainer, _ id: UInt64, _ reader: inout MessageReader, _ writer: inout MessageWriter) throws(PluginError) {
    let (settings, seed, resume, count) = try PluginRunner.known { () throws(ChannelError) in
      (
        try reader.text(limit: Message.bulkLimit), try reader.number(UInt64.self), try reader.optional { (it) throws(ChannelError) in try it.list() },
        try reader.size(limit: .max)
      )
    }
    let request = TrainingRequest(
      model: RemoteModel(channel: self), data: RemoteTokens(channel: self, count: count), settingsJSON: settings, seed: seed, resumeState: resume,
      observer: RemoteObserver(channel: self))
    let state = state
    let result = OwnThread.wait { () -> Result<TrainingResult, PluginError> in
      let task = Task { () -> Result<TrainingResult, PluginError> in
        do throws(PluginError) { return .success(try await trainer.train(request)) } catch { return .failure(error) }
      }
      state.onCancel(id) { task.cancel() }
      let result = await task.value
      state.forgetCancel(id)
      return result
    }
    writer.add(try result.get())
  }
}

/// The host's model. Its trainable tensors lie in memory of the host's that this process can write.
private final class RemoteModel: TrainableModel {
  private let channel: RunnerChannel
  private let known = Mutex<[TrainableTensor]?>(nil)

  init(channel: RunnerChannel) { self.channel = channel }

  var tensors: [TrainableTensor] {
    if let list = known.withLock({ $0 }) { return list }
    let list = (try? fetch()) ?? []
    known.withLock { $0 = list }
    return list
  }

  private func fetch() throws(PluginError) -> [TrainableTensor] {
    let (memory, list) = try channel.ask(.tensors) { (it) throws(ChannelError) in
      (try it.number(UInt32.self), try it.elements(elementSize: 32) { (it) throws(ChannelError) in try it.sharedTensor() })
    }
    guard !list.isEmpty, let start = try channel.state.shared(memory).output.baseAddress else { return [] }
    return list.map { tensor in
      TrainableTensor(
        name: tensor.name, shape: tensor.shape,
        values: UnsafeMutableBufferPointer(start: (start + tensor.values).assumingMemoryBound(to: Float.self), count: tensor.count),
        gradient: UnsafeMutableBufferPointer(start: (start + tensor.gradient).assumingMemoryBound(to: Float.self), count: tensor.count))
    }
  }

  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) {
    var writer = MessageWriter()
    writer.add(configurationJSON)
    writer.add(seed)
    try channel.ask(.attachAdapter, writer.bytes) { (_) throws(ChannelError) in }
    known.withLock { $0 = nil }
  }

  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    _ = tensors
    var writer = try Self.batch(tokens, batch, length)
    writer.add(optional: clipNorm) { $0.add($1) }
    return try channel.ask(.accumulate, writer.bytes) { (it) throws(ChannelError) in
      (try it.double(), try it.elements(elementSize: 8) { (it) throws(ChannelError) in try it.double() })
    }
  }

  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double {
    try channel.ask(.loss, Self.batch(tokens, batch, length).bytes) { (it) throws(ChannelError) in try it.double() }
  }

  private static func batch(_ tokens: [Int32], _ batch: Int, _ length: Int) throws(PluginError) -> MessageWriter {
    guard batch >= 0, length >= 0, batch.multipliedReportingOverflow(by: length) == (tokens.count, false) else {
      throw PluginError(.shapeMismatch, "\(tokens.count) tokens for \(batch) × \(length)")
    }
    var writer = MessageWriter()
    writer.add(tokens: tokens)
    writer.add(UInt64(batch))
    writer.add(UInt64(length))
    return writer
  }
}

private struct RemoteTokens: TokenStream {
  let channel: RunnerChannel
  let count: Int

  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] {
    guard batch >= 0, length >= 0 else { throw PluginError(.invalid, "a batch of \(batch) × \(length)") }
    var writer = MessageWriter()
    writer.add(Int64(step))
    writer.add(UInt64(batch))
    writer.add(UInt64(length))
    return try channel.ask(.batch, writer.bytes) { (it) throws(ChannelError) in try it.tokens() }
  }

  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] {
    guard index >= 0, length >= 0 else { throw PluginError(.invalid, "sequence \(index) of \(length) tokens") }
    var writer = MessageWriter()
    writer.add(UInt64(index))
    writer.add(UInt64(length))
    return try channel.ask(.sequence, writer.bytes) { (it) throws(ChannelError) in try it.tokens() }
  }
}

private struct RemoteObserver: TrainingObserver {
  let channel: RunnerChannel

  func report(_ event: TrainingEvent) {
    var writer = MessageWriter()
    writer.add(event)
    try? channel.ask(.report, writer.bytes) { (_) throws(ChannelError) in }
  }

  func checkpoint(_ state: [UInt8]) throws(PluginError) {
    var writer = MessageWriter()
    writer.add(state)
    try channel.ask(.checkpoint, writer.bytes) { (_) throws(ChannelError) in }
  }
}
