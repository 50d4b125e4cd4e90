internal import CentramPluginAPI

extension RunnerChannel {
  func mergeAdapters(_ merging: any AdapterMerging, _ reader: inout MessageReader) throws(PluginError) {
    let (module, outputs, inputs, models, memory) = try PluginRunner.known { () throws(ChannelError) in
      (
        try reader.text(limit: Message.sizeLimit), try reader.size(limit: 1 << 31), try reader.size(limit: 1 << 31),
        try reader.elements(elementSize: 4) { (it) throws(ChannelError) in try it.text(limit: Message.sizeLimit) }, try reader.number(UInt32.self)
      )
    }
    let lent = try state.shared(memory)
    let (factors, parameters, seed, hasMasks) = try PluginRunner.known { () throws(ChannelError) in
      let factors = try reader.elements(elementSize: 32) { (it) throws(ChannelError) in
        let rank = try it.size(limit: 1 << 31), scale = try it.double(), a = try it.size(limit: .max), b = try it.size(limit: .max)
        return AdapterFactors(
          a: try Self.floats(rank * inputs, at: a, in: lent.inputs), b: try Self.floats(outputs * rank, at: b, in: lent.inputs), rank: rank, scale: scale)
      }
      return (factors, try reader.parameters(), try reader.number(UInt64.self), try reader.flag())
    }
    try merging.merge(
      AdapterMergeRequest(
        module: module, outputs: outputs, inputs: inputs, models: models, factors: factors, parameters: parameters, seed: seed,
        masks: hasMasks ? RemoteAdapterMasks(channel: self, models: models) : nil, host: RemoteAdapterHost(channel: self)))
  }

  func extract(_ extracting: any AdapterExtracting, _ reader: inout MessageReader) throws(PluginError) -> LowRankFactors {
    let (memory, count, outputs, inputs, rank, threshold, distributes) = try PluginRunner.known { () throws(ChannelError) in
      (
        try reader.number(UInt32.self), try reader.size(limit: 1 << 48), try reader.size(limit: .max), try reader.size(limit: .max), Int(try reader.number(Int64.self)),
        try reader.double(), try reader.flag()
      )
    }
    let lent = try state.shared(memory)
    let start = try PluginRunner.known { () throws(ChannelError) in try Self.floats(count, at: 0, in: lent.inputs) }
    return try extracting.extract(
      UnsafeBufferPointer(start: start, count: count), outputs: outputs, inputs: inputs, maximumRank: rank, threshold: threshold, distributeScale: distributes)
  }

  /// Numbers in memory that the host lends.
  private static func floats(_ count: Int, at place: Int, in memory: UnsafeRawBufferPointer) throws(ChannelError) -> UnsafePointer<Float> {
    guard place % 4 == 0, place <= memory.count, count <= (memory.count - place) / 4, let start = memory.baseAddress else {
      throw .broken("\(count) numbers at \(place) of \(memory.count) bytes")
    }
    return (start + place).assumingMemoryBound(to: Float.self)
  }
}

/// Who asked for the merge, on the other side.
private struct RemoteAdapterHost: AdapterMergeHost {
  let channel: RunnerChannel

  func emit(module: String, rank: Int, a: [Float], b: [Float]) throws(PluginError) {
    var writer = MessageWriter()
    writer.add(LowRankFactors(rank: rank, a: a, b: b))
    try channel.ask(.emit, writer.bytes) { (_) throws(ChannelError) in }
  }

  func apply(
    rule: String, to matrices: [[Float]], rows: Int, columns: Int, name: String, models: [String], parameters: Parameters, seed: UInt64
  ) throws(PluginError) -> [Float] {
    var writer = MessageWriter()
    writer.add(RuleQuestion(rule: rule, matrices: matrices, rows: rows, columns: columns, name: name, models: models, parameters: parameters, seed: seed))
    return try channel.ask(.apply, writer.bytes) { (it) throws(ChannelError) in try it.floats() }
  }
}

/// The caller's masks of factors, by tensor.
private struct RemoteAdapterMasks: MaskProvider {
  static let part = 1 << 20
  let channel: RunnerChannel
  let models: [String]

  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    guard let input = models.firstIndex(of: model) else { return false }
    for start in stride(from: 0, to: max(1, mask.count), by: Self.part) {
      let count = min(Self.part, mask.count - start)
      var writer = MessageWriter()
      writer.add(tensor)
      writer.add(UInt32(input))
      for number in [offset + start, count] { writer.add(UInt64(clamping: number)) }
      let filled = try? channel.ask(.mask, writer.bytes) { (it) throws(ChannelError) in try it.flag() ? try it.list() : nil }
      guard let bytes = filled ?? nil, bytes.count == count else { return false }
      for (index, byte) in bytes.enumerated() { mask[start + index] = byte }
    }
    return true
  }
}
