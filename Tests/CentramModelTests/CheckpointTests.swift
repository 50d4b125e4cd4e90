import CentramModel
import Foundation
import Testing

@Suite struct CheckpointTests {
  static let items: [SafetensorsWriter.Item] = [
    .init(name: "x", format: .float32, shape: [3, 2]), .init(name: "y\"\n", format: .bfloat16, shape: [5]), .init(name: "z", format: .uint8, shape: []),
  ]

  func write(_ folder: String, shardSize: Int) throws {
    let writer = try CheckpointWriter(folder: folder, items: Self.items, shardSize: shardSize)
    for item in Self.items {
      let bytes = (0..<item.byteCount).map { UInt8($0) }
      try bytes.withUnsafeBytes { bytes in
        // Two halves, the second first: order is free.
        let half = bytes.count / 2
        try writer.write(UnsafeRawBufferPointer(rebasing: bytes[half...]), of: item.name, at: half)
        try writer.write(UnsafeRawBufferPointer(rebasing: bytes[..<half]), of: item.name, at: 0)
      }
    }
    try writer.finish(synchronizing: true)
  }

  @Test(arguments: [1 << 30, 30, 24, 1]) func readsBackWhatWasWritten(shardSize: Int) throws {
    let folder = try TemporaryFolder()
    try write(folder.path, shardSize: shardSize)
    let checkpoint = try Checkpoint(path: folder.path)
    #expect(checkpoint.files.count == (shardSize > 100 ? 1 : shardSize == 30 || shardSize == 24 ? 2 : 3))
    #expect(Set(checkpoint.tensorNames) == ["x", "y\"\n", "z"])
    for item in Self.items {
      let entry = try #require(checkpoint.entry(item.name))
      #expect(entry.tensor.shape == item.shape && entry.tensor.format == item.format)
      #expect(Array(entry.file.bytes(of: entry.tensor)) == (0..<item.byteCount).map { UInt8($0) })
    }
  }

  @Test func readsASingleFile() throws {
    let folder = try TemporaryFolder()
    try write(folder.path, shardSize: 1 << 30)
    #expect(try Checkpoint(path: folder("model.safetensors")).tensorNames.count == 3)
  }

  @Test func neverLeavesTheFolder() throws {
    let folder = try TemporaryFolder()
    try Data(#"{"weight_map":{"x":"../model.safetensors"}}"#.utf8).write(to: URL(fileURLWithPath: folder("model.safetensors.index.json")))
    let error = #expect(throws: ModelFileError.self) { _ = try Checkpoint(path: folder.path) }
    #expect(error?.message.contains("is not the name of a file in this folder") == true)
  }

  @Test func namesATensorThatTheIndexPromises() throws {
    let folder = try TemporaryFolder()
    try write(folder.path, shardSize: 1)
    let index = folder("model.safetensors.index.json")
    let text = try String(contentsOfFile: index, encoding: .utf8).replacingOccurrences(of: "\"x\"", with: "\"w\"")
    try Data(text.utf8).write(to: URL(fileURLWithPath: index))
    let error = #expect(throws: ModelFileError.self) { _ = try Checkpoint(path: folder.path) }
    #expect(error?.message.contains("the index names w") == true)
  }

  @Test func refusesPickledWeightsAndNamesTheWayOut() throws {
    let folder = try TemporaryFolder()
    try Data([1]).write(to: URL(fileURLWithPath: folder("pytorch_model.bin")))
    let error = #expect(throws: ModelFileError.self) { _ = try Checkpoint(path: folder.path) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("safe_serialization") == true)
  }

  @Test func saysWhatIsMissing() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ModelFileError.self) { _ = try Checkpoint(path: folder.path) }
    #expect(throws: ModelFileError.self) { _ = try Checkpoint(path: folder("none")) }
  }
}

@Suite struct NumberFormatTests {
  /// Every 16-bit pattern, and what lies between.
  @Test(arguments: [NumberFormat.bfloat16, .float16]) func roundsToNearestEven(format: NumberFormat) {
    var previous: Float?
    for pattern in UInt16.min ... .max {
      let value = format == .bfloat16 ? Float(bitPattern: UInt32(pattern) << 16) : Float(Float16(bitPattern: pattern))
      #expect(bits(value, format) == pattern || value.isNaN)
      if value.isNaN { #expect(decoded(bits(value, format), format).isNaN) }
      if let below = previous, value.isFinite, below.isFinite, value > below {
        let middle = below + (value - below) / 2
        let even = pattern & 1 == 0 ? pattern : pattern - 1
        if pattern != 0x8000 && pattern != 0 { #expect(bits(middle, format) == even, "\(below) \(value)") }
        #expect(bits(middle.nextUp, format) == pattern || middle.nextUp >= value)
      }
      previous = value
    }
  }

  private func bits(_ value: Float, _ format: NumberFormat) -> UInt16 {
    var value = value, result: UInt16 = 0
    withUnsafeMutableBytes(of: &result) { format.encode(&value, count: 1, into: $0.baseAddress!) }
    return result
  }

  private func decoded(_ bits: UInt16, _ format: NumberFormat) -> Float {
    var bits = bits, result: Float = 0
    withUnsafeBytes(of: &bits) { format.decode($0.baseAddress!, count: 1, into: &result) }
    return result
  }
}
