internal import Foundation

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
  private let descriptor: Int32
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

    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw ModelFileError(.unwritable, "\(path): \(String(cString: strerror(errno)))") }
    var failure = posix_fallocate(descriptor, 0, off_t(max(1, dataStart + offset)))
    if failure == EOPNOTSUPP || failure == EINVAL { failure = ftruncate(descriptor, off_t(dataStart + offset)) == 0 ? 0 : errno }
    guard failure == 0 else {
      throw ModelFileError(.unwritable, "\(path): \(dataStart + offset) bytes are needed: \(String(cString: strerror(failure)))")
    }
    try write(withUnsafeBytes(of: UInt64(head.count).littleEndian) { Array($0) } + head, at: 0)
  }

  deinit { close(descriptor) }

  /// Writes part of a tensor. Different parts may be written by several threads at once.
  /// - Parameter offset: bytes from the tensor's start.
  public func write(_ bytes: UnsafeRawBufferPointer, of name: String, at offset: Int) throws(ModelFileError) {
    guard let (start, item) = offsets[name] else { preconditionFailure("\(name) is not in \(path)") }
    precondition(offset >= 0 && offset + bytes.count <= item.byteCount, "\(name) has \(item.byteCount) bytes, not \(offset + bytes.count)")
    try write(bytes, at: start + offset)
  }

  /// Waits until the data is on the disk.
  public func synchronize() throws(ModelFileError) {
    guard fsync(descriptor) == 0 else { throw ModelFileError(.unwritable, "\(path): \(String(cString: strerror(errno)))") }
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws(ModelFileError) {
    let result: Result<Void, ModelFileError> = bytes.withUnsafeBytes { buffer in
      do throws(ModelFileError) { return .success(try write(buffer, at: offset)) } catch { return .failure(error) }
    }
    try result.get()
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ModelFileError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw ModelFileError(.unwritable, "\(path): \(String(cString: strerror(count == 0 ? ENOSPC : errno)))")
      }
      done += count
    }
  }
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
