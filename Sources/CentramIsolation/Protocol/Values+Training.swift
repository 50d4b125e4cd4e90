internal import CentramPluginAPI

extension MessageWriter {
  mutating func add(_ event: TrainingEvent) {
    add(Int64(event.step))
    add(Int64(event.steps))
    for number in [event.loss, event.validationLoss, event.tokensPerSecond] { add(optional: number) { $0.add($1) } }
    add(optional: event.message) { $0.add($1) }
  }

  mutating func add(_ result: TrainingResult) {
    add(result.metrics.sorted { $0.key < $1.key }) { writer, pair in
      writer.add(pair.key)
      writer.add(pair.value)
    }
    add(optional: result.privacyRecordJSON) { $0.add($1) }
  }

  mutating func add(tokens: [Int32]) { tokens.withUnsafeBytes { add(raw: $0) } }

  mutating func add(_ tensor: SharedTensor) {
    add(tensor.name)
    add(tensor.shape) { $0.add(UInt64($1)) }
    for number in [tensor.count, tensor.values, tensor.gradient] { add(UInt64(number)) }
  }
}

extension MessageReader {
  mutating func trainingEvent() throws(ChannelError) -> TrainingEvent {
    let step = Int(try number(Int64.self)), steps = Int(try number(Int64.self))
    let loss = try optionalDouble(), validation = try optionalDouble(), rate = try optionalDouble()
    let message = try optional { (it) throws(ChannelError) in try it.text(limit: 4096) }
    return TrainingEvent(step: step, steps: steps, loss: loss, validationLoss: validation, tokensPerSecond: rate, message: message)
  }

  mutating func optionalDouble() throws(ChannelError) -> Double? { try optional { (it) throws(ChannelError) in try it.double() } }

  mutating func trainingResult() throws(ChannelError) -> TrainingResult {
    let pairs = try elements(elementSize: 12, limit: 1 << 16) { (it) throws(ChannelError) in (try it.text(limit: 4096), try it.double()) }
    let record = try optional { (it) throws(ChannelError) in try it.text() }
    return TrainingResult(metrics: Dictionary(pairs) { $1 }, privacyRecordJSON: record)
  }

  mutating func tokens() throws(ChannelError) -> [Int32] {
    let bytes = try list()
    guard bytes.count % 4 == 0 else { throw .broken("token ids in \(bytes.count) bytes") }
    return bytes.withUnsafeBytes { bytes in
      (0..<(bytes.count / 4)).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
    }
  }

  mutating func sharedTensor() throws(ChannelError) -> SharedTensor {
    let name = try text(limit: 4096)
    let shape = try elements(elementSize: 8, limit: 64) { (it) throws(ChannelError) in try it.size(limit: .max) }
    return SharedTensor(name: name, shape: shape, count: try size(limit: .max), values: try size(limit: .max), gradient: try size(limit: .max))
  }
}

/// Where a tensor and its gradient lie in shared memory, as byte offsets.
struct SharedTensor: Equatable {
  var name: String, shape: [Int], count: Int
  var values: Int, gradient: Int
}
