import CentramModel
import Foundation

enum FormatFixtures {
  /// Tests/Fixtures/Golden/Model: see the scripts in it.
  static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures/Golden/Model"
  static func gguf(_ name: String) throws -> GGUFFile { try GGUFFile(path: "\(golden)/GGUF/\(name).gguf") }
  static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: "\(golden)/\(path)"))) }
}

/// Writes GGUF files byte by byte, good and bad, and remembers where its numbers stand.
struct GGUFBuilder {
  private(set) var bytes: [UInt8] = []
  /// Places of counts, lengths, types and offsets, with their sizes.
  private(set) var numbers: [(place: Int, size: Int)] = []

  mutating func number(_ value: some FixedWidthInteger) {
    numbers.append((bytes.count, type(of: value).bitWidth / 8))
    raw(value)
  }
  mutating func raw(_ value: some FixedWidthInteger) { bytes += withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  mutating func text(_ text: String) {
    number(UInt64(text.utf8.count))
    bytes += Array(text.utf8)
  }
  mutating func head(version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0) {
    bytes += Array("GGUF".utf8)
    number(version)
    number(tensors)
    number(keys)
  }
  mutating func key(_ key: String, type: UInt32) {
    text(key)
    number(type)
  }
  mutating func array(_ type: UInt32, count: UInt64) {
    number(type)
    number(count)
  }
  mutating func tensor(_ name: String, _ extents: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
    text(name)
    number(UInt32(extents.count))
    for extent in extents { number(extent) }
    number(type)
    number(offset)
  }
  mutating func pad(to alignment: Int = 32, data: Int = 0) {
    while bytes.count % alignment != 0 { bytes.append(0) }
    bytes += [UInt8](repeating: 0, count: data)
  }

  static func file(_ body: (inout GGUFBuilder) -> Void) -> [UInt8] {
    var builder = GGUFBuilder()
    body(&builder)
    return builder.bytes
  }
}

extension WeightSource {
  /// All of a tensor's values as float32.
  func floats(_ name: String) throws -> [Float]? {
    guard let shape = shape(name) else { return nil }
    guard shape.count == 2 else { return try vector(name) }
    guard let matrix = try matrix(name) else { return nil }
    return matrix.floats()
  }
}
