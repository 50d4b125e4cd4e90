internal import CentramPluginAPI

/// What an operator does with adapters in another process. Factors and matrices lie in memory that it can only read; what it makes of them comes back by
/// message and is checked here.
struct AdapterCalls: Sendable {
  let instance: RemoteInstance

  func merge(_ request: AdapterMergeRequest) throws(PluginError) {
    let sizes = request.factors.map { (a: $0.rank * request.inputs, b: request.outputs * $0.rank) }
    let memory = try memory(floats: sizes.reduce(0) { $0 + $1.a + $1.b })
    defer { instance.process.blocks.giveBack(memory) }
    var writer = MessageWriter(), place = 0
    writer.add(request.module)
    for side in [request.outputs, request.inputs] { writer.add(UInt64(side)) }
    writer.add(request.models) { $0.add($1) }
    writer.add(memory.id)
    writer.add(UInt32(request.factors.count))
    for (factors, size) in zip(request.factors, sizes) {
      writer.add(UInt64(factors.rank))
      writer.add(factors.scale)
      for (start, count) in [(factors.a, size.a), (factors.b, size.b)] {
        writer.add(UInt64(place))
        place = copy(UnsafeBufferPointer(start: start, count: count), into: memory, at: place)
      }
    }
    writer.add(request.parameters)
    writer.add(request.seed)
    writer.add(request.masks != nil)
    let answer = { @Sendable (child: ChildProcess, message: Message) throws(CallFailure) -> [UInt8] in try Self.answer(message, request) }
    try instance.call(.adapters, writer.bytes, sharing: memory, serve: answer) { (_) throws(ChannelError) in }
  }

  func extract(
    _ matrix: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int, maximumRank: Int, threshold: Double, distributeScale: Bool
  ) throws(PluginError) -> LowRankFactors {
    let memory = try memory(floats: matrix.count)
    defer { instance.process.blocks.giveBack(memory) }
    _ = copy(matrix, into: memory, at: 0)
    var writer = MessageWriter()
    writer.add(memory.id)
    for number in [matrix.count, outputs, inputs] { writer.add(UInt64(clamping: number)) }
    writer.add(Int64(maximumRank))
    writer.add(threshold)
    writer.add(distributeScale)
    return try instance.call(.extract, writer.bytes, sharing: memory) { (it) throws(ChannelError) in
      let factors = try it.factors()
      guard factors.a.count == factors.rank * inputs, factors.b.count == outputs * factors.rank else {
        throw .broken("factors of \(factors.a.count) and \(factors.b.count) elements as rank \(factors.rank) of \(outputs) × \(inputs)")
      }
      return factors
    }
  }

  private func memory(floats: Int) throws(PluginError) -> SharedMemory {
    let child = try instance.process.child()
    for gone in instance.process.blocks.takeGone() { child.unshare(gone) }
    return try instance.process.blocks.take(inputs: floats * MemoryLayout<Float>.stride, output: 1)
  }

  /// - Returns: where the next may lie.
  private func copy(_ values: UnsafeBufferPointer<Float>, into memory: SharedMemory, at place: Int) -> Int {
    let bytes = UnsafeRawBufferPointer(values)
    UnsafeMutableRawBufferPointer(rebasing: memory.inputs[place..<(place + bytes.count)]).copyMemory(from: bytes)
    return place + bytes.count
  }

  /// What the operator asks during a merge.
  private static func answer(_ message: Message, _ request: AdapterMergeRequest) throws(CallFailure) -> [UInt8] {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    let question: Question
    do throws(ChannelError) {
      question = try Question(message.operation, &reader, inputs: request.models.count)
      try reader.end()
    } catch { throw .lost(error) }
    do throws(PluginError) {
      switch question {
      case .emit(let factors): try request.emit(rank: factors.rank, a: factors.a, b: factors.b)
      case .apply(let it):
        writer.add(
          floats: try request.host.apply(
            rule: it.rule, to: it.matrices, rows: it.rows, columns: it.columns, name: it.name, models: it.models, parameters: it.parameters, seed: it.seed))
      case .mask(let tensor, let input, let offset, let count):
        var mask = [UInt8](repeating: 0, count: count)
        let isFilled = mask.withUnsafeMutableBufferPointer { request.masks?.fill($0, tensor: tensor, model: request.models[input], offset: offset) ?? false }
        writer.add(isFilled)
        if isFilled { writer.add(mask) }
      }
    } catch { throw .plugin(error) }
    return writer.bytes
  }

  private enum Question {
    case emit(LowRankFactors), apply(RuleQuestion), mask(tensor: String, input: Int, offset: Int, count: Int)

    init(_ operation: Operation, _ reader: inout MessageReader, inputs: Int) throws(ChannelError) {
      switch operation {
      case .emit: self = .emit(try reader.factors())
      case .apply: self = .apply(try reader.ruleQuestion())
      case .mask:
        let tensor = try reader.text(limit: 1 << 16), input = Int(try reader.number(UInt32.self))
        self = .mask(tensor: tensor, input: input, offset: try reader.size(limit: 1 << 48), count: try reader.size(limit: 1 << 20))
        guard input < inputs else { throw .broken("a mask for input \(input) of \(inputs)") }
      default: throw .broken("\(operation) was asked for during a merge of adapters")
      }
    }
  }
}
