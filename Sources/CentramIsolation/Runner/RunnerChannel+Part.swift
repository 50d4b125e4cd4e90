internal import CentramBlocks
internal import CentramPluginAPI

extension RunnerChannel {
  /// A stretch of blocks of a pass that another channel runs: read from the models' files, worked on, and encoded.
  func part(_ reader: inout MessageReader, _ writer: inout MessageWriter) throws(PluginError) {
    let order = try PluginRunner.known { () throws(ChannelError) in try reader.partOrder() }
    guard let entry = state.runs.entry(order.run) else { throw PluginError(.invalid, "there is no pass \(order.run)") }
    var sources: [(any ElementSource)?] = []
    for input in order.inputs { sources.append(try input.map { (input) throws(PluginError) in try source(input, order) }) }
    let target = try order.output.map { (output) throws(PluginError) in try self.target(output, order) }
    let buffers = BlockBuffers(inputs: sources.count, length: min(order.length, order.count))
    var unfit: PartFinding?
    let loop = BlockLoop(sources, checking: order.inputs.map { $0?.isChecked ?? false }, in: buffers)
    let nonFinite = try loop.run(offset: order.offset, count: order.count, length: order.length) { (block) throws(PluginError) in
      try entry.body.pointee(order.stripe, block)
      guard let target, let encoding = order.output?.encoding else { return true }
      if encoding.encode(block.output, count: block.count, into: target + (block.offset - order.offset) * encoding.format.size) { return true }
      let index = (0..<block.count).first { !encoding.permits(block.output[$0]) } ?? 0
      unfit = .unfit(element: block.offset + index, value: block.output[index])
      return false
    }
    writer.add(unfit ?? nonFinite.map { .nonFinite($0) })
  }

  private func source(_ input: PartOrder.Input, _ order: PartOrder) throws(PluginError) -> StoredElements {
    let file = try state.file(input.file), size = input.format.size
    let (end, overflows) = order.offset.addingReportingOverflow(order.count)
    guard !overflows, input.offset <= file.count, end <= (file.count - input.offset) / size, let start = file.baseAddress else {
      throw PluginError(.invalid, "elements \(order.offset) to \(end) of a tensor at byte \(input.offset) lie outside of their file of \(file.count) bytes")
    }
    return StoredElements(bytes: start + input.offset, format: input.format, rounding: input.rounding)
  }

  private func target(_ output: PartOrder.Output, _ order: PartOrder) throws(PluginError) -> UnsafeMutableRawPointer {
    let memory = try state.shared(output.memory).output
    guard order.count <= memory.count / output.encoding.format.size, let start = memory.baseAddress else {
      throw PluginError(.invalid, "\(order.count) elements of output do not fit into \(memory.count) bytes")
    }
    return start
  }
}
