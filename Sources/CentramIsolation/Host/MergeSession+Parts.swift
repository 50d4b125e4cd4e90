internal import CSandbox
internal import CentramBlocks
internal import CentramPluginAPI
internal import Foundation

/// Where a part's blocks lie and its output crosses, kept by a channel for the next one.
final class PartRoom {
  /// Bytes that are looked at and written at a time: few enough to stay in the second-level cache in between.
  static let pieceSize = 256 << 10

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
  /// Parts that one thread of the host has begun and not taken the output of: one that it writes, one that the process is at, and one that the process
  /// finds when it is done. Nobody waits then, and who does not sleep need not be woken. Where the host has a thread for each processor there is
  /// nobody who could work meanwhile: then the host writes on the processor on which the part was made, one after the other, and the output is in its cache.
  private static let partsAtOnce = 3

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
    try driver.run(plan, elements: child.configuration.elementsAtOnce) { (next) throws(PluginError) in try self.work(next, run, places, plan) }
    return true
  }

  /// Has the process work on one part after another, and writes what comes back. While one output is written, the process is at the next part.
  private func work(
    _ next: () throws(PluginError) -> StripePart?, _ run: UInt32, _ inputs: [PartOrder.Input?], _ plan: PartPlan
  ) throws(PluginError) {
    guard let first = try next() else { return }
    let isShared = plan.threads >= ProcessInfo.processInfo.activeProcessorCount, partsAtOnce = isShared ? 1 : Self.partsAtOnce
    centram_wait_asleep(isShared ? 1 : 0)
    defer {
      centram_wait_asleep(0)
      _ = centram_follow(-1)
    }
    let channel = try child.takeChannel(), limit = child.configuration.callNanoseconds(.mergeOperator)
    var coming: StripePart? = first, begun: [(part: StripePart, room: PartRoom, call: Channel.Pending)] = []
    do throws(CallFailure) {
      while true {
        if let part = coming {
          let room = try room(channel, part, plan)
          begun.append((part, room, try channel.begin(.part, id: ChildProcess.newID(), order(part, run, inputs, plan, room, isShared), limit: limit)))
          coming = try plugin { () throws(PluginError) in try next() }
          if begun.count < partsAtOnce, coming != nil { continue }
        }
        guard !begun.isEmpty else { break }
        let (part, room, call) = begun.removeFirst()
        let answer = try Self.answer(channel.finish(call, limit: limit))
        // Where it is not told the truth it goes where it may, or stays.
        if isShared { _ = centram_follow(answer.processor) }
        try Self.settle(answer.finding, room, plan.encoding, part)
        channel.parts.append(room)
      }
    } catch {
      // Answers that nobody waits for any more would be taken for those of the next call.
      if case .plugin = error {
        for (_, _, call) in begun {
          do throws(CallFailure) { _ = try channel.finish(call, limit: limit) } catch {
            if case .lost = error { throw failed(error, on: channel) }
          }
        }
      }
      throw failed(error, on: channel)
    }
    child.giveBack(channel)
  }

  private func plugin<Value>(_ body: () throws(PluginError) -> Value) throws(CallFailure) -> Value {
    do throws(PluginError) { return try body() } catch { throw .plugin(error) }
  }

  /// Memory for a part, which the process knows.
  private func room(_ channel: Channel, _ part: StripePart, _ plan: PartPlan) throws(CallFailure) -> PartRoom {
    guard let layout = PartOrder.Layout(count: part.count, length: plan.length, inputs: plan.inputs.count, encoding: plan.encoding) else {
      throw .plugin(PluginError(.limitExceeded, "blocks of \(plan.length) elements of \(plan.inputs.count) inputs do not fit into memory"))
    }
    let known = channel.parts.popLast().flatMap { $0.memory.output.count >= layout.bytes ? $0 : nil }
    return try plugin { () throws(PluginError) in
      let room = if let known { known } else { try PartRoom(pool, bytes: layout.bytes) }
      try child.share(room.memory)
      return room
    }
  }

  private func order(_ part: StripePart, _ run: UInt32, _ inputs: [PartOrder.Input?], _ plan: PartPlan, _ room: PartRoom, _ isShared: Bool) -> [UInt8] {
    var writer = MessageWriter()
    writer.add(
      PartOrder(
        run: run, stripe: part.stripe, offset: part.offset, count: part.count, length: plan.length, inputs: inputs, memory: room.memory.id,
        encoding: plan.encoding, isShared: isShared))
    return writer.bytes
  }

  /// Checks what the process answered, and hands the output on. The output is copied before it is looked at: the process may write to its memory
  /// at any time.
  static func settle(_ finding: PartFinding?, _ room: PartRoom, _ encoding: OutputEncoding?, _ part: StripePart) throws(CallFailure) {
    if let finding {
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

  /// What the process says of a part, and on which processor it was.
  static func answer(_ reply: [UInt8]) throws(CallFailure) -> (finding: PartFinding?, processor: Int32) {
    var reader = MessageReader(reply)
    do throws(ChannelError) {
      let finding = try reader.partFinding(), processor = Int32(bitPattern: try reader.number())
      try reader.end()
      return (finding, processor)
    } catch { throw .lost(error) }
  }
}
