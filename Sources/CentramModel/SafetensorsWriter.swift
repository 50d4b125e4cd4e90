/// Writes one safetensors file: the header first, since all sizes are known, then the data in any order.
public final class SafetensorsWriter: Sendable {
  public struct Item: Sendable {
    public let name: String
    public let format: NumberFormat
    public let shape: [Int]
    public var byteCount: Int { shape.reduce(format.size, *) }
    public init(name: String, format: NumberFormat, shape: [Int]) { (self.name, self.format, self.shape) = (name, format, shape) }
  }

  public let path: String
  private let file: PreallocatedFile
  private let offsets: [String: (start: Int, item: Item)]

  /// Creates the file and takes its whole size on the disk, so that a full disk is an error before any work.
  /// - Parameter items: in the order of the data; names differ.
  public init(path: String, items: [Item], metadata: [String: String] = ["format": "pt"]) throws(ModelFileError) {
    self.path = path
    var header = "{\"__metadata__\":{" + metadata.sorted(by: <).map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",") + "}"
    var offset = 0
    var starts: [(Int, Item)] = []
    for item in items {
      let end = offset + item.byteCount
      header += ",\(quoted(item.name)):{\"dtype\":\"\(item.format.rawValue)\",\"shape\":[\(item.shape.map(String.init).joined(separator: ","))],"
      header += "\"data_offsets\":[\(offset),\(end)]}"
      starts.append((offset, item))
      offset = end
    }
    header += "}"
    var head = Array(header.utf8)
    // Large data starts on a page, so that large writes touch whole pages.
    let alignment = offset >= 1 << 20 ? 4096 : 8
    while (8 + head.count) % alignment != 0 { head.append(0x20) }
    let dataStart = 8 + head.count
    offsets = Dictionary(uniqueKeysWithValues: starts.map { ($1.name, (dataStart + $0, $1)) })

    file = try PreallocatedFile(path: path, size: dataStart + offset)
    try file.write(withUnsafeBytes(of: UInt64(head.count).littleEndian) { Array($0) } + head, at: 0)
  }

  /// Writes part of a tensor. Different parts may be written by several threads at once.
  /// - Parameter offset: bytes from the tensor's start.
  public func write(_ bytes: UnsafeRawBufferPointer, of name: String, at offset: Int) throws(ModelFileError) {
    guard let (start, item) = offsets[name] else { preconditionFailure("\(name) is not in \(path)") }
    precondition(offset >= 0 && offset + bytes.count <= item.byteCount, "\(name) has \(item.byteCount) bytes, not \(offset + bytes.count)")
    try file.write(bytes, at: start + offset)
  }

  /// Waits until the data is on the disk.
  public func synchronize() throws(ModelFileError) { try file.synchronize() }
}

/// A JSON string.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case _ where scalar.value < 0x20: result += "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2) + String(scalar.value, radix: 16)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
