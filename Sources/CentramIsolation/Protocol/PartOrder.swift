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
  struct Output: Equatable {
    /// Shared memory, whose output's first bytes are the part's.
    var memory: UInt32
    var encoding: OutputEncoding
  }

  var run: UInt32
  var stripe: Int
  /// Elements.
  var offset: Int, count: Int
  /// Elements a block.
  var length: Int
  /// One an input; nil where it is not read.
  var inputs: [Input?]
  /// Nil where the pass has no output.
  var output: Output?
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
    add(optional: order.output) { writer, output in
      writer.add(output.memory)
      writer.add(output.encoding.format.rawValue)
      writer.add(output.encoding.allowsNonFinite)
    }
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
    let output = try optional { (it) throws(ChannelError) in
      PartOrder.Output(memory: try it.number(), encoding: OutputEncoding(try it.floatFormat(), allowsNonFinite: try it.flag()))
    }
    guard length > 0 else { throw .broken("blocks of no elements") }
    return PartOrder(run: run, stripe: stripe, offset: offset, count: count, length: length, inputs: inputs, output: output)
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
