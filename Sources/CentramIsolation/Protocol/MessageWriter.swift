internal import CentramPluginAPI

/// Writes a payload: numbers little endian, text and lists after their length.
struct MessageWriter {
  private(set) var bytes: [UInt8] = []

  mutating func add<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }
  mutating func add(_ number: Double) { add(number.bitPattern) }
  mutating func add(_ flag: Bool) { add(UInt8(flag ? 1 : 0)) }
  mutating func add(_ text: String) {
    add(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }
  mutating func add(_ list: [UInt8]) {
    add(UInt32(list.count))
    bytes.append(contentsOf: list)
  }
  mutating func add(raw: UnsafeRawBufferPointer) {
    add(UInt32(raw.count))
    bytes.append(contentsOf: raw)
  }
  mutating func add<Element>(_ list: [Element], _ each: (inout MessageWriter, Element) -> Void) {
    add(UInt32(list.count))
    for element in list { each(&self, element) }
  }
  mutating func add<Value>(optional value: Value?, _ each: (inout MessageWriter, Value) -> Void) {
    add(value != nil)
    if let value { each(&self, value) }
  }
  mutating func append(_ other: MessageWriter) { bytes += other.bytes }
  /// An error's sentence is cut where it is longer than a reader takes.
  mutating func add(_ error: PluginError) {
    add(error.code.rawValue)
    add(String(decoding: error.message.utf8.prefix(MessageReader.sentenceLimit), as: UTF8.self))
  }
}
