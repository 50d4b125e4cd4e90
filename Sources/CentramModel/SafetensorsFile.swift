internal import Foundation

/// A safetensors file, mapped into memory and checked strictly before anything of it is used: header length, UTF-8, no
/// duplicate names, known formats, sizes that fit their shapes, data contiguous from 0 to the end of the file.
/// Format: https://huggingface.co/docs/safetensors
public final class SafetensorsFile: Sendable {
  public struct Tensor: Sendable, Equatable {
    public let name: String
    public let format: NumberFormat
    /// Outermost first; empty for a scalar.
    public let shape: [Int]
    /// In the data, which starts after the header.
    public let range: Range<Int>
    public var count: Int { range.count / format.size }
  }

  /// The format's own limit.
  public static let maximumHeaderLength = 100_000_000
  public static let maximumRank = 16

  public let path: String
  /// In the order of the data.
  public let tensors: [Tensor]
  /// The strings of `__metadata__`.
  public let metadata: [String: String]
  /// The header's bytes, the length in front not included.
  public let header: Range<Int>
  /// Bytes of the whole file.
  public var size: Int { mapping.bytes.count }
  private let mapping: Mapping
  private let index: [String: Int]

  /// - Throws: `.unreadable` or `.malformed`.
  public convenience init(path: String) throws(ModelFileError) {
    try self.init(mapping: try Mapping(path: path), path: path)
  }

  init(mapping: Mapping, path: String) throws(ModelFileError) {
    let bytes = mapping.bytes
    func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(path): not a good safetensors file: \(message)") }
    guard bytes.count >= 8 else { throw malformed("\(bytes.count) bytes are too few for the header's length") }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Self.maximumHeaderLength) else {
      throw malformed("the header says it is \(length) bytes long; \(Self.maximumHeaderLength) is the limit")
    }
    guard length <= UInt64(bytes.count - 8) else { throw malformed("the header of \(length) bytes is longer than the file of \(bytes.count)") }
    header = 8..<(8 + Int(length))
    let parsed: SafetensorsHeader
    do throws(StrictJSON.Failure) {
      parsed = try SafetensorsHeader(UnsafeRawBufferPointer(rebasing: bytes[header]))
    } catch {
      throw malformed("\(error.message) (header byte \(error.position))")
    }
    let dataSize = bytes.count - header.upperBound
    var end = 0
    for tensor in parsed.tensors {
      guard tensor.range.lowerBound == end else {
        throw malformed("\(tensor.name) starts at \(tensor.range.lowerBound), but the data before it ends at \(end)")
      }
      end = tensor.range.upperBound
      guard end <= dataSize else { throw malformed("\(tensor.name) ends at \(end), the data at \(dataSize)") }
    }
    guard end == dataSize else { throw malformed("the tensors end at \(end), the data at \(dataSize)") }
    (self.mapping, self.path, tensors, metadata) = (mapping, path, parsed.tensors, parsed.metadata)
    index = Dictionary(uniqueKeysWithValues: parsed.tensors.enumerated().map { ($1.name, $0) })
  }

  public func tensor(_ name: String) -> Tensor? { index[name].map { tensors[$0] } }

  /// The tensor's bytes, at any alignment. Valid as long as the file.
  public func bytes(of tensor: Tensor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: mapping.bytes[(header.upperBound + tensor.range.lowerBound)..<(header.upperBound + tensor.range.upperBound)])
  }

  /// Of the tensor's first byte in the file.
  public func offset(of tensor: Tensor) -> Int { header.upperBound + tensor.range.lowerBound }

  /// A descriptor of this very file, for reading; the caller closes it. Nil where the path leads to another file by now, or the file is in
  /// memory only.
  public func openAgain() -> Int32? { mapping.openAgain(path) }

  /// All bytes of the file. Valid as long as the file.
  public var contents: UnsafeRawBufferPointer { mapping.bytes }

  /// The tensor as float32. Only for floating-point formats.
  public func floats(of tensor: Tensor) -> [Float] {
    [Float](unsafeUninitializedCapacity: tensor.count) { buffer, count in
      if let target = buffer.baseAddress, let source = bytes(of: tensor).baseAddress {
        tensor.format.decode(source, count: tensor.count, into: target)
      }
      count = tensor.count
    }
  }
}

/// A file mapped for reading.
final class Mapping: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  /// Which file it is. The mapping keeps it, so no other gets these numbers meanwhile.
  private var identity: (device: dev_t, number: ino_t)?

  init(path: String) throws(ModelFileError) {
    func unreadable() -> ModelFileError { ModelFileError(.unreadable, "\(path): \(String(cString: strerror(errno)))") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable() }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable() }
    guard status.st_mode & S_IFMT == S_IFREG else { throw ModelFileError(.unreadable, "\(path): not a regular file") }
    identity = (status.st_dev, status.st_ino)
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED else { throw unreadable() }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  /// A copy of `data`, for files that are in memory already.
  init(copying data: [UInt8]) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count, alignment: 64)
    buffer.copyBytes(from: data)
    bytes = UnsafeRawBufferPointer(buffer)
    isAllocated = true
  }

  private var isAllocated = false

  func openAgain(_ path: String) -> Int32? {
    guard let identity, bytes.count > 0 else { return nil }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, (status.st_dev, status.st_ino) == identity else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  deinit {
    guard let address = bytes.baseAddress else { return }
    if isAllocated { bytes.deallocate() } else { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }
}

extension SafetensorsFile {
  /// Checks a file that is in memory already.
  public convenience init(data: [UInt8], name: String) throws(ModelFileError) {
    try self.init(mapping: Mapping(copying: data), path: name)
  }
}
