internal import CSandbox
internal import CentramBlocks
internal import CentramPluginAPI

extension RunnerChannel {
  /// A stretch of blocks of a pass that another channel runs: read from the models' files, worked on, and encoded.
  func part(_ reader: inout MessageReader, _ writer: inout MessageWriter) throws(PluginError) {
    let order = try PluginRunner.known { () throws(ChannelError) in try reader.partOrder() }
    centram_wait_asleep(order.isShared ? 1 : 0)
    guard let entry = state.runs.entry(order.run) else { throw PluginError(.invalid, "there is no pass \(order.run)") }
    // The host sent it before it knew.
    guard failedPart.withLock({ $0?.run != order.run || $0?.stripe != order.stripe }) else { throw PluginError(.cancelled, "an earlier part of the stripe failed") }
    do throws(PluginError) {
      let finding = try work(order, entry.body.pointee)
      if finding != nil { failedPart.withLock { $0 = (order.run, order.stripe) } }
      writer.add(finding)
      writer.add(UInt32(bitPattern: centram_processor()))
    } catch {
      failedPart.withLock { $0 = (order.run, order.stripe) }
      throw error
    }
  }

  /// - Returns: what ended the part before its end.
  private func work(_ order: PartOrder, _ body: RunnerRuns.Body) throws(PluginError) -> PartFinding? {
    var sources: [(any ElementSource)?] = []
    for input in order.inputs { sources.append(try input.map { (input) throws(PluginError) in try source(input, order) }) }
    let (target, places) = try room(order)
    let buffers = BlockBuffers(inputs: sources.count, length: min(order.length, order.count), memory: places)
    var unfit: PartFinding?
    let loop = BlockLoop(sources, checking: order.inputs.map { $0?.isChecked ?? false }, in: buffers)
    let nonFinite = try loop.run(offset: order.offset, count: order.count, length: order.length) { (block) throws(PluginError) in
      try body(order.stripe, block)
      guard let encoding = order.encoding else { return true }
      if encoding.encode(block.output, count: block.count, into: target + (block.offset - order.offset) * encoding.format.size) { return true }
      let index = (0..<block.count).first { !encoding.permits(block.output[$0]) } ?? 0
      unfit = .unfit(element: block.offset + index, value: block.output[index])
      return false
    }
    return unfit ?? nonFinite.map { .nonFinite($0) }
  }

  private func source(_ input: PartOrder.Input, _ order: PartOrder) throws(PluginError) -> StoredElements {
    let file = try state.file(input.file), size = input.format.size
    let (end, overflows) = order.offset.addingReportingOverflow(order.count)
    guard !overflows, input.offset <= file.count, end <= (file.count - input.offset) / size, let start = file.baseAddress else {
      throw PluginError(.invalid, "elements \(order.offset) to \(end) of a tensor at byte \(input.offset) lie outside of their file of \(file.count) bytes")
    }
    return StoredElements(bytes: start + input.offset, format: input.format, rounding: input.rounding)
  }

  /// Where the encoded output goes, and the blocks. What the plugin gets of the inputs is another mapping of their memory, in which nothing can be
  /// written.
  private func room(_ order: PartOrder) throws(PluginError) -> (UnsafeMutableRawPointer, BlockRoomPlaces) {
    let shared = try state.shared(order.memory)
    let layout = PartOrder.Layout(count: order.count, length: order.length, inputs: order.inputs.count, encoding: order.encoding, within: shared.output.count)
    guard let layout, let start = shared.output.baseAddress, let view = shared.view.baseAddress else {
      throw PluginError(.invalid, "\(order.count) elements in blocks of \(order.length) do not fit into \(shared.output.count) bytes")
    }
    return (
      start,
      BlockRoomPlaces(
        inputs: order.inputs.indices.map { (start + layout.block($0)).assumingMemoryBound(to: Float.self) },
        output: (start + layout.block(order.inputs.count)).assumingMemoryBound(to: Float.self),
        views: order.inputs.indices.map { (view + layout.block($0)).assumingMemoryBound(to: Float.self) })
    )
  }
}
