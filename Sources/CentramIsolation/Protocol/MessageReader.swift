internal import CentramPluginAPI

/// Reads a payload that may be anything at all. Every count is checked against the bytes that are left before memory is taken for it.
struct MessageReader {
  /// Bytes of an error's sentence.
  static let sentenceLimit = 4096

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private var left: Int { bytes.count - position }

  mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(ChannelError) -> Number {
    let size = MemoryLayout<Number>.size
    guard left >= size else { throw .broken("a payload ends \(size - left) bytes early") }
    defer { position += size }
    return Number(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Number.self) })
  }

  mutating func double() throws(ChannelError) -> Double { Double(bitPattern: try number()) }

  mutating func flag() throws(ChannelError) -> Bool {
    let value: UInt8 = try number()
    guard value <= 1 else { throw .broken("a flag of \(value)") }
    return value == 1
  }

  /// A number that fits `Int` and a limit.
  mutating func size(limit: Int) throws(ChannelError) -> Int {
    let value: UInt64 = try number()
    guard value <= UInt64(limit) else { throw .broken("a size of \(value); the limit is \(limit)") }
    return Int(value)
  }

  /// How many elements follow, each of at least `elementSize` bytes.
  mutating func count(elementSize: Int = 1, limit: Int = .max) throws(ChannelError) -> Int {
    let count = Int(try number(UInt32.self))
    guard count <= limit, count <= left / elementSize else { throw .broken("a list of \(count) elements in \(left) bytes; the limit is \(limit)") }
    return count
  }

  mutating func list(limit: Int = .max) throws(ChannelError) -> [UInt8] {
    let count = try count(limit: limit)
    defer { position += count }
    return Array(bytes[position..<(position + count)])
  }

  mutating func text(limit: Int = 1 << 20) throws(ChannelError) -> String {
    let count = try count(limit: limit)
    defer { position += count }
    return String(decoding: bytes[position..<(position + count)], as: UTF8.self)
  }

  mutating func elements<Element>(
    elementSize: Int, limit: Int = .max, _ each: (inout MessageReader) throws(ChannelError) -> Element
  ) throws(ChannelError) -> [Element] {
    let count = try count(elementSize: elementSize, limit: limit)
    var list: [Element] = []
    list.reserveCapacity(count)
    for _ in 0..<count { list.append(try each(&self)) }
    return list
  }

  mutating func optional<Value>(_ each: (inout MessageReader) throws(ChannelError) -> Value) throws(ChannelError) -> Value? {
    try flag() ? try each(&self) : nil
  }

  mutating func error() throws(ChannelError) -> PluginError {
    let code: Int32 = try number()
    guard code != 0 else { throw .broken("an error with the code of success") }
    return PluginError(.init(rawValue: code), try text(limit: Self.sentenceLimit))
  }

  func end() throws(ChannelError) {
    guard left == 0 else { throw .broken("\(left) bytes after the end of a payload") }
  }
}
