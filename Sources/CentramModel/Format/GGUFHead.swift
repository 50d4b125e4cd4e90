/// All of a GGUF file before its tensors' data, checked.
struct GGUFHead {
  let version: UInt32
  private(set) var alignment = 32
  private(set) var fields: [GGUFFile.Field] = []
  private(set) var fieldIndex: [String: Int] = [:]
  private(set) var tensors: [GGUFFile.Tensor] = []
  private(set) var tensorIndex: [String: Int] = [:]

  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(ModelFileError) {
    var cursor = GGUFCursor(bytes: bytes, file: file)
    guard try cursor.load(UInt32.self, "GGUF's four letters") == 0x4655_4747 else { throw cursor.malformed("it does not start with GGUF") }
    version = try cursor.load(UInt32.self, "the version")
    guard GGUFFile.versions.contains(version) else {
      let swapped = GGUFFile.versions.contains(version.byteSwapped)
      throw ModelFileError(
        .unsupported, "\(file): GGUF \(swapped ? "of a big-endian machine" : "version \(version)"); versions 2 and 3 of little-endian machines are read, convert the model again")
    }
    let tensorCount = try cursor.count("the number of tensors", least: 24)
    guard tensorCount <= GGUFFile.maximumTensors else { throw cursor.malformed("\(tensorCount) tensors; \(GGUFFile.maximumTensors) is the limit") }
    let fieldCount = try cursor.count("the number of keys", least: 13)
    guard fieldCount <= GGUFFile.maximumFields else { throw cursor.malformed("\(fieldCount) keys; \(GGUFFile.maximumFields) is the limit") }
    for index in 0..<fieldCount { try readField(index, &cursor) }
    try readAlignment(cursor)
    var places: [(offset: UInt64, tensor: Int)] = []
    for index in 0..<tensorCount { places.append((try readTensor(index, &cursor), index)) }
    try place(places, cursor)
  }

  private mutating func readField(_ index: Int, _ cursor: inout GGUFCursor) throws(ModelFileError) {
    let key = try cursor.string("key \(index)", atMost: GGUFFile.maximumKeyLength)
    guard !key.isEmpty else { throw cursor.malformed("key \(index) is empty") }
    guard fieldIndex.updateValue(fields.count, forKey: key) == nil else { throw cursor.malformed("the key \(key.prefix(100)) stands twice") }
    let type = try cursor.type(String(key.prefix(100)))
    let start = cursor.position
    try cursor.skip(type, depth: 0, String(key.prefix(100)))
    fields.append(GGUFFile.Field(key: key, type: type, range: start..<cursor.position))
  }

  private mutating func readAlignment(_ cursor: GGUFCursor) throws(ModelFileError) {
    guard let index = fieldIndex["general.alignment"] else { return }
    let field = fields[index]
    guard field.type == .uint32 else { throw cursor.malformed("general.alignment is of type \(field.type.name), not uint32") }
    let value = Int(UInt32(littleEndian: cursor.bytes.loadUnaligned(fromByteOffset: field.range.lowerBound, as: UInt32.self)))
    guard value > 0, value & (value - 1) == 0, value <= GGUFFile.maximumAlignment else {
      throw cursor.malformed("general.alignment is \(value), not a power of two up to \(GGUFFile.maximumAlignment)")
    }
    alignment = value
  }

  /// The range is relative to the data's start, and empty until all are known.
  private mutating func readTensor(_ index: Int, _ cursor: inout GGUFCursor) throws(ModelFileError) -> UInt64 {
    let name = try cursor.string("the name of tensor \(index)", atMost: GGUFFile.maximumNameLength)
    guard !name.isEmpty else { throw cursor.malformed("the name of tensor \(index) is empty") }
    guard tensorIndex.updateValue(index, forKey: name) == nil else { throw cursor.malformed("the tensor \(name) stands twice") }
    let rank = try cursor.load(UInt32.self, "the rank of \(name)")
    guard (1...UInt32(GGUFFile.maximumRank)).contains(rank) else {
      throw cursor.malformed("\(name) has \(rank) dimensions; 1 to \(GGUFFile.maximumRank) are possible")
    }
    var shape: [Int] = []
    var count = 1
    for _ in 0..<rank {
      let extent = try cursor.load(UInt64.self, "the shape of \(name)")
      guard extent > 0, let plain = Int(exactly: extent), case let (product, overflow) = count.multipliedReportingOverflow(by: plain), !overflow else {
        throw cursor.malformed("\(name) has an extent of \(extent)")
      }
      shape.insert(plain, at: 0)
      count = product
    }
    let number = try cursor.load(UInt32.self, "the type of \(name)")
    guard let type = GGUFTensorType(rawValue: number) else {
      throw ModelFileError(.unsupported, "\(cursor.file): \(name) is stored as type \(number), which is not known; quantise the model again as Q8_0 or Q4_K_M")
    }
    let (length, size) = type.block
    guard shape[shape.count - 1] % length == 0 else {
      throw cursor.malformed("\(name) has rows of \(shape[shape.count - 1]), no multiple of \(type.name)'s blocks of \(length)")
    }
    let (bytes, overflow) = (count / length).multipliedReportingOverflow(by: size)
    guard !overflow else { throw cursor.malformed("the shape \(shape) of \(name) overflows") }
    tensors.append(GGUFFile.Tensor(name: name, type: type, shape: shape, range: 0..<bytes))
    return try cursor.load(UInt64.self, "the offset of \(name)")
  }

  private mutating func place(_ places: [(offset: UInt64, tensor: Int)], _ cursor: GGUFCursor) throws(ModelFileError) {
    let total = cursor.bytes.count
    let padding = (alignment - cursor.position % alignment) % alignment
    // A file without tensors, such as a vocabulary, may end without padding.
    let start = min(total, cursor.position + padding)
    var end = 0
    var before = ""
    for (offset, index) in places.sorted(by: { ($0.offset, $0.tensor) < ($1.offset, $1.tensor) }) {
      let tensor = tensors[index], size = tensor.range.count
      guard offset <= UInt64(total - start), size <= total - start - Int(offset) else {
        throw cursor.malformed("\(tensor.name) of \(size) bytes at \(offset) ends behind the data of \(total - start) bytes")
      }
      guard offset % UInt64(alignment) == 0 else { throw cursor.malformed("\(tensor.name) starts at \(offset), no multiple of \(alignment)") }
      guard Int(offset) >= end else { throw cursor.malformed("\(tensor.name) starts at \(offset), within \(before), which ends at \(end)") }
      tensors[index] = GGUFFile.Tensor(
        name: tensor.name, type: tensor.type, shape: tensor.shape, range: (start + Int(offset))..<(start + Int(offset) + size))
      (end, before) = (Int(offset) + size, tensor.name)
    }
  }
}
