internal import CentramBlocks
internal import CentramNumerics

/// What the host has a plugin's process do with a stretch of blocks.
struct PartOrder: Equatable {
  struct Input: Equatable {
    /// The number under which the host had the file mapped.
    var file: UInt64
    /// Of the tensor's first byte in the file.
    var offset: Int
    var format: FloatFormat
    var rounding: FloatFormat?
    /// Whether NaN and infinity end the part.
    var isChecked: Bool
  }
  var run: UInt32
  var stripe: Int
  /// Elements.
  var offset: Int, count: Int
  /// Elements a block.
  var length: Int
  /// One an input; nil where it is not read.
  var inputs: [Input?]
  /// Shared memory, in whose output the part's lies and what is needed for it.
  var memory: UInt32
  /// Nil where the pass has no output.
  var encoding: OutputEncoding?
  /// Whether who gave it waits on the same processor.
  var isShared = false

  /// Where things lie in the memory: first the encoded output, then a block of float32 for each input and one for the output. Each begins in a
  /// cache line of its own.
  struct Layout {
    private let encoded: Int, block: Int, blocks: Int

    /// - Returns: nil where that takes more bytes than there are.
    init?(count: Int, length: Int, inputs: Int, encoding: OutputEncoding?, within bytes: Int = .max) {
      let size = encoding?.format.size ?? 0, longest = max(1, min(length, count))
      guard size == 0 || count <= (bytes & ~63) / size else { return nil }
      (encoded, blocks) = ((count * size + 63) & ~63, inputs + 1)
      guard encoded <= bytes, longest <= ((bytes - encoded) / blocks & ~63) / MemoryLayout<Float>.stride else { return nil }
      block = (longest * MemoryLayout<Float>.stride + 63) & ~63
    }

    var bytes: Int { encoded + blocks * block }
    /// Of an input's block; of the output's, where there are no more inputs.
    func block(_ index: Int) -> Int { encoded + index * block }
  }
}

extension MessageWriter {
  mutating func add(_ order: PartOrder) {
    add(order.run)
    add(UInt32(order.stripe))
    for number in [order.offset, order.count, order.length] { add(UInt64(number)) }
    add(order.inputs) { writer, input in
      writer.add(optional: input) { writer, input in
        writer.add(input.file)
        writer.add(UInt64(input.offset))
        writer.add(input.format.rawValue)
        writer.add(optional: input.rounding) { $0.add($1.rawValue) }
        writer.add(input.isChecked)
      }
    }
    add(order.memory)
    add(optional: order.encoding) { writer, encoding in
      writer.add(encoding.format.rawValue)
      writer.add(encoding.allowsNonFinite)
    }
    add(order.isShared)
  }

  /// What ended a part; nil: nothing did.
  mutating func add(_ finding: PartFinding?) {
    switch finding {
    case nil: add(UInt8(0))
    case .nonFinite(let found):
      add(UInt8(1))
      add(UInt32(found.input))
      add(UInt64(found.element))
    case .unfit(let element, let value):
      add(UInt8(2))
      add(UInt64(element))
      add(value.bitPattern)
    }
  }
}

extension MessageReader {
  mutating func partOrder() throws(ChannelError) -> PartOrder {
    let run: UInt32 = try number(), stripe = Int(try number(UInt32.self))
    let offset = try size(limit: .max), count = try size(limit: .max), length = try size(limit: .max)
    let inputs = try elements(elementSize: 1, limit: 1 << 16) { (it) throws(ChannelError) in
      try it.optional { (it) throws(ChannelError) in
        PartOrder.Input(
          file: try it.number(), offset: try it.size(limit: .max), format: try it.floatFormat(),
          rounding: try it.optional { (it) throws(ChannelError) in try it.floatFormat() }, isChecked: try it.flag())
      }
    }
    let memory: UInt32 = try number()
    let encoding = try optional { (it) throws(ChannelError) in OutputEncoding(try it.floatFormat(), allowsNonFinite: try it.flag()) }
    let isShared = try flag()
    guard length > 0, offset <= .max - count else { throw .broken("\(count) elements from \(offset) on in blocks of \(length)") }
    return PartOrder(run: run, stripe: stripe, offset: offset, count: count, length: length, inputs: inputs, memory: memory, encoding: encoding, isShared: isShared)
  }

  mutating func partFinding() throws(ChannelError) -> PartFinding? {
    switch try number(UInt8.self) {
    case 0: return nil
    case 1: return .nonFinite(BlockLoop.NonFinite(input: Int(try number(UInt32.self)), element: try size(limit: .max)))
    case 2: return .unfit(element: try size(limit: .max), value: Float(bitPattern: try number()))
    case let other: throw .broken("a part that ended in way \(other)")
    }
  }

  private mutating func floatFormat() throws(ChannelError) -> FloatFormat {
    let number: UInt8 = try number()
    guard let format = FloatFormat(rawValue: number) else { throw .broken("numbers of format \(number)") }
    return format
  }
}
