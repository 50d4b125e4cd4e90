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
  private let file: PreallocatedFile
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
    file = try PreallocatedFile(path: path, size: size)
    try file.write(head, at: 0)
  }

  /// Writes part of a tensor. Different parts may be written by several threads at once.
  /// - Parameter offset: bytes from the tensor's start.
  public func write(_ bytes: UnsafeRawBufferPointer, of name: String, at offset: Int) throws(ModelFileError) {
    guard let (start, item) = places[name] else { preconditionFailure("\(name) is not in \(path)") }
    precondition(offset >= 0 && offset + bytes.count <= item.byteCount, "\(name) has \(item.byteCount) bytes, not \(offset + bytes.count)")
    try file.write(bytes, at: start + offset)
  }

  /// Waits until the data is on the disk.
  public func synchronize() throws(ModelFileError) { try file.synchronize() }
}
