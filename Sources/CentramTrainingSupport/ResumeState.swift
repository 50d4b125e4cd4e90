public import CentramPluginAPI
internal import CModelKernels

/// What a trainer needs to go on: step, tensors, moments, and numbers of its own. Random numbers need nothing: they are
/// counted by step.
///
/// Little-endian: 8 bytes of magic, version, trainer, settings, seed, step, own numbers, then each tensor's name, shape,
/// values and two moments, and a checksum of all before it.
public struct ResumeState: Sendable {
  public var trainer: String
  public var fingerprint: String
  public var seed: UInt64
  public var step: Int
  /// A trainer's own numbers, such as the last loss.
  public var numbers: [Double]

  static let magic: [UInt8] = Array("CNTRAIN1".utf8)

  public init(trainer: String, fingerprint: String, seed: UInt64, step: Int, numbers: [Double]) {
    (self.trainer, self.fingerprint, self.seed, self.step, self.numbers) = (trainer, fingerprint, seed, step, numbers)
  }

  /// - Parameter optimizer: of the same tensors.
  public func encoded(_ tensors: [TrainableTensor], _ optimizer: AdamW) -> [UInt8] {
    let writer = StateWriter(capacity: 4096 + tensors.reduce(0) { $0 + 12 * $1.values.count + 8 * $1.shape.count + $1.name.utf8.count + 64 })
    writer.raw(Self.magic)
    writer.text(trainer)
    writer.text(fingerprint)
    writer.integer(seed)
    writer.integer(UInt64(step))
    writer.integer(UInt64(numbers.count))
    for number in numbers { writer.integer(number.bitPattern) }
    writer.integer(UInt64(tensors.count))
    for (index, tensor) in tensors.enumerated() {
      writer.text(tensor.name)
      writer.integer(UInt64(tensor.shape.count))
      for size in tensor.shape { writer.integer(UInt64(size)) }
      writer.floats(UnsafeBufferPointer(tensor.values))
      optimizer.first[index].withUnsafeBufferPointer { writer.floats($0) }
      optimizer.second[index].withUnsafeBufferPointer { writer.floats($0) }
    }
    writer.integer(writer.checksum)
    return writer.finished()
  }

  /// Reads a state into tensors and an optimiser of the same names and shapes.
  /// - Throws: `.invalid` where it is damaged or of another run; nothing is changed then.
  public init(_ bytes: [UInt8], trainer: String, fingerprint: String, seed: UInt64, into tensors: [TrainableTensor], _ optimizer: inout AdamW) throws(PluginError) {
    guard bytes.count > 64, bytes.prefix(8).elementsEqual(Self.magic) else { throw PluginError(.invalid, "the checkpoint is none of this kind of trainer") }
    let sum = bytes.withUnsafeBytes { buffer -> Bool in
      let stored = buffer.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self).littleEndian
      return stored == centram_checksum(buffer.baseAddress, bytes.count - 8)
    }
    guard sum else { throw PluginError(.invalid, "the checkpoint is damaged: its checksum is wrong; take an earlier one") }
    var reader = StateReader(bytes: bytes, position: 8)
    self.trainer = try reader.text()
    self.fingerprint = try reader.text()
    self.seed = try reader.integer()
    step = try reader.size()
    numbers = []
    for _ in 0..<(try reader.size(limit: 65536)) { numbers.append(Double(bitPattern: try reader.integer())) }
    guard self.trainer == trainer else { throw PluginError(.invalid, "the checkpoint is of \(self.trainer.prefix(60)), not of \(trainer)") }
    guard self.fingerprint == fingerprint else {
      throw PluginError(.invalid, "the checkpoint was made with other settings (\(Self.difference(self.fingerprint, fingerprint))); resume with the same, or start anew")
    }
    guard self.seed == seed else { throw PluginError(.invalid, "the checkpoint was made with another seed; resume with the same, or start anew") }
    let count = try reader.size()
    guard count == tensors.count else { throw PluginError(.shapeMismatch, "the checkpoint holds \(count) tensors, the model trains \(tensors.count)") }
    var places: [Int] = []
    for tensor in tensors {
      let name = try reader.text()
      var shape: [Int] = []
      for _ in 0..<(try reader.size(limit: 16)) { shape.append(try reader.size()) }
      guard name == tensor.name, shape == tensor.shape else {
        throw PluginError(.shapeMismatch, "the checkpoint holds \(name.prefix(100)) of shape \(shape), the model \(tensor.name) of \(tensor.shape)")
      }
      places.append(reader.position)
      try reader.skip(12 * tensor.values.count)
    }
    guard reader.position == bytes.count - 8 else { throw PluginError(.invalid, "the checkpoint is longer than its contents") }
    bytes.withUnsafeBytes { buffer in
      for (index, tensor) in tensors.enumerated() {
        let size = 4 * tensor.values.count, start = places[index]
        UnsafeMutableRawBufferPointer(tensor.values).copyMemory(from: .init(rebasing: buffer[start..<start + size]))
        optimizer.first[index].withUnsafeMutableBytes { $0.copyMemory(from: .init(rebasing: buffer[start + size..<start + 2 * size])) }
        optimizer.second[index].withUnsafeMutableBytes { $0.copyMemory(from: .init(rebasing: buffer[start + 2 * size..<start + 3 * size])) }
      }
    }
    optimizer.step = step
  }

  /// The first setting that differs.
  private static func difference(_ one: String, _ other: String) -> String {
    let theirs = Set(one.split(separator: ";")), ours = Set(other.split(separator: ";"))
    return theirs.subtracting(ours).min().map { "\($0.prefix(80))" } ?? "fewer of them"
  }
}
