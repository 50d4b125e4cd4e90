internal import CentramBlocks
internal import CentramPluginAPI

/// Where a part's blocks lie and its output crosses, kept by a channel for the next one.
final class PartRoom {
  /// Bytes that are looked at and written at a time: few enough to stay in the second-level cache in between.
  static let pieceSize = 128 << 10

  let memory: SharedMemory
  let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 64)
  private let pool: SharedPool

  init(_ pool: SharedPool, bytes: Int) throws(PluginError) {
    memory = try pool.take(inputs: 1, output: bytes)
    self.pool = pool
  }

  deinit {
    pool.giveBack(memory)
    piece.deallocate()
  }
}

extension MergeSession {
  /// One pass of which the plugin's process does all but writing.
  /// - Returns: false where the pass, or this driver, is not made for that.
  func runParts(_ run: UInt32, _ granularity: BlockGranularity, _ inputs: [Int]?, _ isWriting: Bool) throws(PluginError) -> Bool {
    guard let driver = request.driver as? any DrivesParts, let plan = try driver.plan(granularity, inputs: inputs, writingOutput: isWriting),
      let numbers = try files.numbers(of: plan.inputs.compactMap { $0?.file }, in: child)
    else { return false }
    var next = numbers.makeIterator()
    let places = plan.inputs.indices.map { index -> PartOrder.Input? in
      guard let input = plan.inputs[index], let file = next.next() else { return nil }
      return PartOrder.Input(file: file, offset: input.offset, format: input.format, rounding: input.rounding, isChecked: plan.checking[index])
    }
    try driver.run(plan, elements: child.configuration.elementsAtOnce) { (part) throws(PluginError) in try self.send(part, run, places, plan) }
    return true
  }

  private func send(_ part: StripePart, _ run: UInt32, _ inputs: [PartOrder.Input?], _ plan: PartPlan) throws(PluginError) {
    guard let layout = PartOrder.Layout(count: part.count, length: plan.length, inputs: inputs.count, encoding: plan.encoding) else {
      throw PluginError(.limitExceeded, "blocks of \(plan.length) elements of \(inputs.count) inputs do not fit into memory")
    }
    let channel = try child.takeChannel()
    let room: PartRoom
    do throws(PluginError) {
      room = try self.room(channel, bytes: layout.bytes)
      try child.share(room.memory)
    } catch { throw failed(.plugin(error), on: channel) }
    var writer = MessageWriter()
    writer.add(
      PartOrder(
        run: run, stripe: part.stripe, offset: part.offset, count: part.count, length: plan.length, inputs: inputs, memory: room.memory.id,
        encoding: plan.encoding))
    do throws(CallFailure) {
      let reply = try channel.call(.part, id: ChildProcess.newID(), writer.bytes, limit: child.configuration.callNanoseconds(.mergeOperator))
      try Self.settle(reply, room, plan.encoding, part)
    } catch { throw failed(error, on: channel) }
    child.giveBack(channel)
  }

  private func room(_ channel: Channel, bytes: Int) throws(PluginError) -> PartRoom {
    if let room = channel.part, room.memory.output.count >= bytes { return room }
    let room = try PartRoom(pool, bytes: bytes)
    channel.part = room
    return room
  }

  /// Checks what the process answered, and hands the output on. The output is copied before it is looked at: the process may write to its memory
  /// at any time.
  static func settle(_ reply: [UInt8], _ room: PartRoom, _ encoding: OutputEncoding?, _ part: StripePart) throws(CallFailure) {
    if let finding = try finding(reply) {
      guard let error = part.error(finding) else { throw .lost(.broken("\(finding), which is not so")) }
      throw .plugin(error)
    }
    guard let encoding else { return }
    guard let first = room.memory.output.baseAddress, let copy = room.piece.baseAddress else { throw .plugin(PluginError(.internalFailure, "no memory for an output")) }
    let size = encoding.format.size, most = PartRoom.pieceSize / size
    for start in stride(from: 0, to: part.count, by: most) {
      let count = min(most, part.count - start), source = first + start * size
      if encoding.allowsNonFinite {
        copy.copyMemory(from: source, byteCount: count * size)
      } else if !encoding.format.copyFinite(source, count: count, into: copy) {
        throw .lost(.broken("NaN or infinity in an output that has none, it said"))
      }
      do throws(PluginError) { try part.take(part.offset + start, UnsafeRawBufferPointer(start: copy, count: count * size)) } catch { throw .plugin(error) }
    }
  }

  private static func finding(_ reply: [UInt8]) throws(CallFailure) -> PartFinding? {
    var reader = MessageReader(reply)
    do throws(ChannelError) {
      let finding = try reader.partFinding()
      try reader.end()
      return finding
    } catch { throw .lost(error) }
  }
}
