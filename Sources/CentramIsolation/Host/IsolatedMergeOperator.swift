internal import CentramLanes
internal import CentramPluginAPI
internal import Synchronization

/// A merge operator whose arithmetic is done in another process. Where the inputs lie in files, the other process reads them and
/// encodes, and a message is a stretch of blocks; else the host's driver converts, and a message is a few blocks.
struct IsolatedMergeOperator: TensorMerging, BringsBlockMemory {
  let info: MergeOperatorInfo
  let instance: RemoteInstance
  private let files = FileShares()

  static func make(_ process: IsolatedProcess, _ environment: PluginEnvironment) throws(PluginError) -> any MergeOperator {
    let instance = RemoteInstance(process, configurationJSON: environment.configurationJSON)
    let (info, abilities) = try instance.create { (it) throws(ChannelError) in try it.mergeOperatorInfo() }
    guard let operation = abilities.operation(info, instance) else {
      throw PluginError(.unsupported, "\(process.library.name) merges neither tensors nor adapters, and extracts none")
    }
    return operation
  }

  var blockMemory: any BlockMemory { instance.process.blocks }

  func merge(_ request: MergeRequest) throws(PluginError) {
    let (child, id) = try instance.bind()
    files.prune()
    let session = MergeSession(request, child, instance.process.blocks, files)
    for gone in instance.process.blocks.takeGone() { child.unshare(gone) }
    let call = ChildProcess.newID()
    child.services.begin(call, request)
    defer { child.services.finish(call) }
    let payload = try child.onChannel { (channel) throws(CallFailure) in
      try channel.call(.merge, instance: id, id: call, session.payload, limit: child.configuration.callNanoseconds(.mergeOperator)) {
        (message) throws(CallFailure) in try session.run(message)
      }
    }
    try child.decode(payload) { (_) throws(ChannelError) in }
  }
}

/// One call of `merge`.
final class MergeSession: Sendable {
  let request: MergeRequest
  let child: ChildProcess
  let pool: SharedPool
  let files: FileShares
  private let lost = Mutex<ChannelError?>(nil)
  private let passes = Atomic<Int>(0)

  init(_ request: MergeRequest, _ child: ChildProcess, _ pool: SharedPool, _ files: FileShares) {
    (self.request, self.child, self.pool, self.files) = (request, child, pool, files)
  }

  var payload: [UInt8] {
    var writer = MessageWriter()
    writer.add(request.tensor)
    writer.add(request.shape) { $0.add(UInt64($1)) }
    writer.add(request.models) { $0.add($1) }
    writer.add(Int32(request.baseIndex ?? -1))
    writer.add(request.parameters)
    writer.add(request.seed)
    writer.add(request.masks != nil)
    for granularity in [BlockGranularity.any, .rows, .whole] { writer.add(UInt32(request.driver.stripeCount(granularity))) }
    return writer.bytes
  }

  /// One pass over the tensor, as the plugin asks for it.
  func run(_ message: Message) throws(CallFailure) -> [UInt8] {
    let (run, granularity, inputs, isWriting): (UInt32, BlockGranularity, [Int]?, Bool)
    do throws(ChannelError) { (run, granularity, inputs, isWriting) = try pass(message) } catch { throw .lost(error) }
    if let wrong = inputs?.first(where: { !request.models.indices.contains($0) }) {
      throw .plugin(PluginError(.invalid, "input \(wrong) was asked for, there are \(request.models.count)"))
    }
    guard passes.wrappingAdd(1, ordering: .relaxed).newValue <= child.configuration.passes else {
      throw .plugin(PluginError(.limitExceeded, "more than \(child.configuration.passes) passes over \(request.tensor)"))
    }
    let wanted = inputs ?? Array(request.models.indices)
    do throws(PluginError) {
      if try runParts(run, granularity, inputs, isWriting) { return [] }
      if let driver = request.driver as? any DrivesRuns {
        try driver.run(granularity, inputs: inputs, writingOutput: isWriting, blocks: blocksAtOnce(wanted.count)) { (stripe, blocks, length) throws(PluginError) in
          try self.send(run, stripe, blocks, length: length, wanted, isWriting)
        }
      } else {
        try request.driver.run(granularity, inputs: inputs, writingOutput: isWriting) { (stripe, block) throws(PluginError) in
          try self.send(run, stripe, block, length: max(1, block.count), wanted, isWriting)
        }
      }
    } catch {
      // The process is gone: the call ends here, and with the reason that the block found.
      if let reason = lost.withLock({ $0 }) { throw .lost(reason) }
      throw .plugin(error)
    }
    return []
  }

  private func pass(_ message: Message) throws(ChannelError) -> (UInt32, BlockGranularity, [Int]?, Bool) {
    guard message.operation == .run else { throw .broken("\(message.operation) was asked for during a merge") }
    var reader = MessageReader(message.payload)
    let run: UInt32 = try reader.number(), number: Int32 = try reader.number()
    let inputs = try reader.optional { (it) throws(ChannelError) in
      try it.elements(elementSize: 4, limit: 1 << 16) { (it) throws(ChannelError) in Int(try it.number(UInt32.self)) }
    }
    let isWriting = try reader.flag()
    try reader.end()
    guard let granularity = BlockGranularity(rawValue: number) else { throw .broken("granularity \(number)") }
    return (run, granularity, inputs, isWriting)
  }

  /// So many that a message costs little beside its blocks. Fewer would stay in a nearer cache, and cost more than that gains.
  private func blocksAtOnce(_ inputs: Int) -> Int { max(1, child.configuration.bytesAtOnce / ((inputs + 1) * (64 << 10))) }

  /// Has the plugin work on blocks that lie one after another.
  private func send(_ run: UInt32, _ stripe: Int, _ block: MergeBlock, length: Int, _ wanted: [Int], _ isWriting: Bool) throws(PluginError) {
    let channel = try child.takeChannel()
    let bytes = block.count * MemoryLayout<Float>.stride
    if channel.memory?.offset(ofOutput: block.output, count: bytes) == nil { channel.memory = pool.memory(ofOutput: block.output, count: bytes) }
    // Blocks that lie elsewhere, or have an input that does, are copied.
    var copy: SharedRoom?
    let memory: SharedMemory
    do throws(PluginError) {
      if !lies(block, bytes, wanted, in: channel.memory) { copy = try room(channel, inputs: request.models.count, length: block.count) }
      guard let found = copy?.memory ?? channel.memory else { throw PluginError(.internalFailure, "a block without memory") }
      memory = found
      try child.share(memory)
    } catch { throw failed(.plugin(error), on: channel) }
    var writer = MessageWriter()
    writer.add(run)
    writer.add(UInt32(stripe))
    writer.add(memory.id)
    writer.add(UInt64(block.offset))
    writer.add(UInt64(block.count))
    writer.add(UInt64(length))
    writer.add(UInt32(request.models.count))
    var next = 0
    for input in request.models.indices {
      guard next < wanted.count, wanted.contains(input) else {
        writer.add(UInt64.max)
        continue
      }
      next += 1
      if let copy { copy.inputs[input].update(from: block.inputs[input], count: block.count) }
      let address = copy.map { UnsafeRawPointer($0.inputs[input]) } ?? UnsafeRawPointer(block.inputs[input])
      writer.add(UInt64(memory.offset(ofInput: address, count: bytes) ?? 0))
    }
    writer.add(UInt64(copy == nil ? memory.offset(ofOutput: block.output, count: bytes) ?? 0 : 0))
    do throws(CallFailure) {
      let reply = try channel.call(.blocks, id: ChildProcess.newID(), writer.bytes, limit: child.configuration.callNanoseconds(.mergeOperator))
      guard reply.isEmpty else { throw .lost(.broken("\(reply.count) bytes in answer to a block")) }
    } catch { throw failed(error, on: channel) }
    if isWriting, let copy { block.output.update(from: copy.output, count: block.count) }
    child.giveBack(channel)
  }

  /// What a call that failed is for its caller. A channel over which the plugin answered with an error is good for the next call.
  func failed(_ failure: CallFailure, on channel: Channel) -> PluginError {
    switch failure {
    case .plugin(let error):
      child.giveBack(channel)
      return error
    case .lost(let reason): return lose(reason)
    }
  }

  /// Has the whole call end with this reason.
  func lose(_ reason: ChannelError) -> PluginError {
    lost.withLock { $0 = $0 ?? reason }
    return PluginError(.internalFailure, "the process was lost in a block")
  }

  private func lies(_ block: MergeBlock, _ bytes: Int, _ wanted: [Int], in memory: SharedMemory?) -> Bool {
    guard let memory, memory.offset(ofOutput: block.output, count: bytes) != nil else { return false }
    return wanted.allSatisfy { memory.offset(ofInput: block.inputs[$0], count: bytes) != nil }
  }

  private func room(_ channel: Channel, inputs: Int, length: Int) throws(PluginError) -> SharedRoom {
    if let room = channel.room, room.length >= length, room.inputs.count >= inputs { return room }
    let room = try SharedRoom(pool, inputs: inputs, length: length)
    channel.room = room
    return room
  }
}
