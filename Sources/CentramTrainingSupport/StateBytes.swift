internal import CentramPluginAPI
internal import CModelKernels

/// Bytes that grow, without a copy of what may be gigabytes.
final class StateWriter {
  private var bytes: [UInt8] = []

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }
  func integer(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
  func text(_ text: String) {
    integer(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }
  func floats(_ values: UnsafeBufferPointer<Float>) { bytes.append(contentsOf: UnsafeRawBufferPointer(values)) }
  var checksum: UInt64 { bytes.withUnsafeBytes { centram_checksum($0.baseAddress, $0.count) } }
  func finished() -> [UInt8] {
    let result = bytes
    bytes = []
    return result
  }
}

/// Reads such bytes; each length is checked before it is used.
struct StateReader {
  let bytes: [UInt8]
  private(set) var position: Int

  init(bytes: [UInt8], position: Int) { (self.bytes, self.position) = (bytes, position) }

  private var rest: Int { bytes.count - position }
  private var tooShort: PluginError { PluginError(.invalid, "the checkpoint ends too early") }

  mutating func skip(_ count: Int) throws(PluginError) {
    guard count <= rest else { throw tooShort }
    position += count
  }

  mutating func integer() throws(PluginError) -> UInt64 {
    guard rest >= 8 else { throw tooShort }
    var value: UInt64 = 0
    for index in 0..<8 { value |= UInt64(bytes[position + index]) << (8 * index) }
    position += 8
    return value
  }

  mutating func size(limit: Int = 1 << 40) throws(PluginError) -> Int {
    let value = try integer()
    guard value <= UInt64(limit) else { throw PluginError(.invalid, "the checkpoint states a size of \(value); \(limit) is the limit") }
    return Int(value)
  }

  mutating func text() throws(PluginError) -> String {
    let count = try size(limit: 1 << 20)
    guard count <= rest else { throw tooShort }
    defer { position += count }
    guard let text = String(validating: bytes[position..<position + count], as: UTF8.self) else { throw PluginError(.invalid, "the checkpoint holds a name that is not UTF-8") }
    return text
  }
}
