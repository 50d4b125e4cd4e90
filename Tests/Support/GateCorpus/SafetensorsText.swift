/// Bytes of safetensors files, right ones and others.
public enum SafetensorsText {
  public struct Entry: Sendable {
    public var name: String, type: String, shape: [Int], bytes: [UInt8]
    public init(_ name: String, _ type: String = "F32", _ shape: [Int], _ bytes: [UInt8]) { (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes) }
    public init(_ name: String, _ shape: [Int], _ values: [Float]) {
      self.init(name, "F32", shape, values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) } })
    }
  }

  /// A good file.
  public static func file(_ entries: [Entry]) -> [UInt8] {
    var offset = 0
    var members = ["\"__metadata__\":{\"format\":\"pt\"}"]
    for entry in entries {
      members.append(member(entry, from: offset, to: offset + entry.bytes.count))
      offset += entry.bytes.count
    }
    return file(header: "{\(members.joined(separator: ","))}", data: entries.flatMap(\.bytes))
  }

  public static func member(_ entry: Entry, from start: Int, to end: Int) -> String {
    "\"\(entry.name)\":{\"dtype\":\"\(entry.type)\",\"shape\":[\(entry.shape.map(String.init).joined(separator: ","))],\"data_offsets\":[\(start),\(end)]}"
  }

  /// Any header before any data.
  /// - Parameter length: what the file says of its header; nil: the truth.
  public static func file(header: String, data: [UInt8], length: UInt64? = nil) -> [UInt8] {
    let length = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + Array(header.utf8) + data
  }
}
