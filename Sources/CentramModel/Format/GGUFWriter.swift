internal import Foundation

/// Writes one GGUF file, version 3: the head first, since all sizes are known, then the data in any order.
public final class GGUFWriter: Sendable {
  public struct Item: Sendable {
    public let name: String
    public let type: GGUFTensorType
    /// Outermost first.
    public let shape: [Int]
    public init(name: String, type: GGUFTensorType, shape: [Int]) { (self.name, self.type, self.shape) = (name, type, shape) }
    public var byteCount: Int { shape.reduce(1, *) / type.block.length * type.block.size }
  }

  public let path: String
  /// Bytes of the whole file.
  public let size: Int
  private let descriptor: Int32
  private let places: [String: (start: Int, item: Item)]

  /// Creates the file and takes its whole size on the disk, so that a full disk is an error before any work.
  /// - Parameter items: in the order of the data; names differ; rows are whole blocks.
  /// - Throws: `.unwritable`.
  public init(path: String, metadata: GGUFMetadata, items: [Item], alignment: Int = 32) throws(ModelFileError) {
    self.path = path
    var metadata = metadata
    if alignment != 32 { metadata.set("general.alignment", uint32: alignment) }
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }
    var head = Array("GGUF".utf8) + bytes(UInt32(3)) + bytes(UInt64(items.count)) + bytes(UInt64(metadata.entries.count))
    for entry in metadata.entries { head += text(entry.key) + entry.bytes }
    var offset = 0
    var starts: [Int] = []
    for item in items {
      guard (1...GGUFFile.maximumRank).contains(item.shape.count), item.shape.allSatisfy({ $0 > 0 }), item.shape.last! % item.type.block.length == 0 else {
        throw ModelFileError(.unwritable, "\(path): \(item.name) of shape \(item.shape) cannot be stored as \(item.type.name), in blocks of \(item.type.block.length)")
      }
      head += text(item.name) + bytes(UInt32(item.shape.count))
      for extent in item.shape.reversed() { head += bytes(UInt64(extent)) }
      head += bytes(item.type.rawValue) + bytes(UInt64(offset))
      starts.append(offset)
      offset += (item.byteCount + alignment - 1) / alignment * alignment
    }
    while head.count % alignment != 0 { head.append(0) }
    let dataStart = head.count
    places = Dictionary(uniqueKeysWithValues: zip(items, starts).map { ($0.name, (dataStart + $1, $0)) })
    size = dataStart + offset

    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw ModelFileError(.unwritable, "\(path): \(String(cString: strerror(errno)))") }
    var failure = posix_fallocate(descriptor, 0, off_t(size))
    if failure == EOPNOTSUPP || failure == EINVAL { failure = ftruncate(descriptor, off_t(size)) == 0 ? 0 : errno }
    guard failure == 0 else { throw ModelFileError(.unwritable, "\(path): \(size) bytes are needed: \(String(cString: strerror(failure)))") }
    let result: Result<Void, ModelFileError> = head.withUnsafeBytes { buffer in
      do throws(ModelFileError) { return .success(try write(buffer, at: 0)) } catch { return .failure(error) }
    }
    try result.get()
  }

  deinit { close(descriptor) }

  /// Writes part of a tensor. Different parts may be written by several threads at once.
  /// - Parameter offset: bytes from the tensor's start.
  public func write(_ bytes: UnsafeRawBufferPointer, of name: String, at offset: Int) throws(ModelFileError) {
    guard let (start, item) = places[name] else { preconditionFailure("\(name) is not in \(path)") }
    precondition(offset >= 0 && offset + bytes.count <= item.byteCount, "\(name) has \(item.byteCount) bytes, not \(offset + bytes.count)")
    try write(bytes, at: start + offset)
  }

  /// Waits until the data is on the disk.
  public func synchronize() throws(ModelFileError) {
    guard fsync(descriptor) == 0 else { throw ModelFileError(.unwritable, "\(path): \(String(cString: strerror(errno)))") }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ModelFileError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw ModelFileError(.unwritable, "\(path): \(String(cString: strerror(count == 0 ? ENOSPC : errno)))") }
      done += count
    }
  }
}
