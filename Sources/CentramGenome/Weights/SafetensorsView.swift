internal import CKernels

/// A safetensors file in lent memory, checked before anything of it is used: header length, UTF-8, no duplicate keys, element types that
/// hold floating-point numbers, sizes that fit their shapes, data without gaps from 0 to the end. Nothing is copied.
/// Format: https://huggingface.co/docs/safetensors
public struct SafetensorsView {
  /// How elements are stored.
  public enum ElementType: String, Sendable, CaseIterable {
    case float32 = "F32", float16 = "F16", bfloat16 = "BF16"
    /// Bytes an element.
    public var size: Int { self == .float32 ? 4 : 2 }
  }

  public struct Tensor: Sendable, Equatable {
    public let name: String
    public let type: ElementType
    /// Outermost first.
    public let shape: [Int]
    /// In the data, which starts after the header.
    public let range: Range<Int>
    public var count: Int { range.count / type.size }
  }

  public static let maximumHeaderLength = 1 << 20
  public static let maximumAxes = 4, maximumTensors = 16_384, maximumNameLength = 512

  /// In the order of the data.
  public let tensors: [Tensor]
  private let data: UnsafeRawBufferPointer

  /// - Parameter bytes: the whole file; must outlive the view.
  /// - Throws: `tooLarge`, `malformed`, `unsupported` for another element type.
  public init(_ bytes: UnsafeRawBufferPointer, maximumHeaderLength: Int = Self.maximumHeaderLength) throws(GenomeError) {
    try Self.refuseOtherFormats(bytes)
    guard bytes.count >= 8 else { throw GenomeError(.malformed, "the weights have \(bytes.count) bytes, too few for the header's length") }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(maximumHeaderLength) else {
      throw GenomeError(.tooLarge, "the weights' header says it is \(length) bytes long; \(maximumHeaderLength) are allowed")
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw GenomeError(.malformed, "the weights' header says it is \(length) bytes long, and only \(bytes.count - 8) follow")
    }
    let end = 8 + Int(length)
    let header = UnsafeRawBufferPointer(rebasing: bytes[8..<end])
    guard header.first == UInt8(ascii: "{") else { throw GenomeError(.malformed, "the weights' header does not begin with '{'") }
    data = UnsafeRawBufferPointer(rebasing: bytes[end...])
    tensors = try Self.tensors(try JSONValue(parsing: header, name: "the weights' header"), dataSize: data.count)
  }

  /// Formats that can hold code, by their first bytes. They would fail the header's checks too; this names them.
  private static func refuseOtherFormats(_ bytes: UnsafeRawBufferPointer) throws(GenomeError) {
    if bytes.starts(with: [0x50, 0x4b, 0x03, 0x04]) { throw GenomeError(.unsupported, "the weights are a ZIP archive, as PyTorch writes pickles; only safetensors are read") }
    // A pickle of protocol 2 to 5; a safetensors header is never that long.
    if bytes.count >= 2, bytes[0] == 0x80, (2...5).contains(bytes[1]), bytes.count < 8 || bytes[7] != 0 || bytes[3] != 0 {
      throw GenomeError(.unsupported, "the weights are a Python pickle, which can run code; only safetensors are read")
    }
  }

  private static func tensors(_ header: JSONValue, dataSize: Int) throws(GenomeError) -> [Tensor] {
    guard case .object(let members) = header else { throw GenomeError(.malformed, "the weights' header is no object") }
    guard members.count <= maximumTensors + 1 else { throw GenomeError(.tooLarge, "the weights have \(members.count) tensors; \(maximumTensors) are allowed") }
    var found: [Tensor] = []
    for member in members {
      if member.key == "__metadata__" {
        try checkMetadata(member.value)
      } else {
        found.append(try tensor(member.key, member.value))
      }
    }
    found.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var end = 0
    for tensor in found {
      guard tensor.range.lowerBound == end else {
        throw GenomeError(.malformed, "\(GenomeError.shown(tensor.name)) starts at byte \(tensor.range.lowerBound) of the data, and what is before it ends at \(end)")
      }
      end = tensor.range.upperBound
    }
    guard end == dataSize else { throw GenomeError(.malformed, "the tensors end at byte \(end) of the data, which has \(dataSize)") }
    return found
  }

  private static func checkMetadata(_ value: JSONValue) throws(GenomeError) {
    guard case .object(let entries) = value else { throw GenomeError(.malformed, "__metadata__ is \(value.typeName), not an object") }
    for entry in entries {
      guard case .string = entry.value else { throw GenomeError(.malformed, "__metadata__.\(GenomeError.shown(entry.key)) is \(entry.value.typeName), not a text") }
    }
  }

  private static func tensor(_ name: String, _ value: JSONValue) throws(GenomeError) -> Tensor {
    guard (1...maximumNameLength).contains(name.utf8.count) else {
      throw GenomeError(.tooLarge, "a tensor's name has \(name.utf8.count) bytes; from 1 to \(maximumNameLength) are allowed")
    }
    let place = GenomeError.shown(name)
    let reader = try ObjectReader(value, place: place, keys: ["dtype", "shape", "data_offsets"])
    let typeName = try reader.text("dtype", bytes: 1...16)
    guard let type = ElementType(rawValue: typeName) else {
      throw GenomeError(.unsupported, "\(place) is stored as \(typeName); \(ElementType.allCases.map(\.rawValue).joined(separator: ", ")) are allowed")
    }
    let shape = try integers(reader.list("shape", items: 1...maximumAxes), "\(place).shape", from: 1)
    let offsets = try integers(reader.list("data_offsets", items: 2...2), "\(place).data_offsets", from: 0)
    guard offsets[0] <= offsets[1] else { throw GenomeError(.malformed, "\(place): the offsets \(offsets) are no range") }
    var size = type.size
    for extent in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw GenomeError(.malformed, "\(place): the shape \(shape) overflows") }
      size = product
    }
    guard size == offsets[1] - offsets[0] else {
      throw GenomeError(.malformed, "\(place): \(offsets[1] - offsets[0]) bytes do not make \(typeName) of shape \(shape), which are \(size)")
    }
    return Tensor(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
  }

  private static func integers(_ list: [JSONValue], _ place: String, from least: Int) throws(GenomeError) -> [Int] {
    var result: [Int] = []
    for value in list {
      guard case .number(let spelling) = value, let number = Int(spelling), number >= least else {
        throw GenomeError(.malformed, "\(place) holds something other than whole numbers from \(least)")
      }
      result.append(number)
    }
    return result
  }
}

extension SafetensorsView {
  /// The tensor's bytes, at any alignment. Valid as long as the file's.
  public func bytes(of tensor: Tensor) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: data[tensor.range]) }

  /// The tensor as float32.
  public func floats(of tensor: Tensor) -> [Float] {
    [Float](unsafeUninitializedCapacity: tensor.count) { target, count in
      count = tensor.count
      guard let target = target.baseAddress, let source = bytes(of: tensor).baseAddress else { return }
      switch tensor.type {
      case .float32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
      case .float16: ck_f16_to_f32(source.assumingMemoryBound(to: UInt16.self), target, count)
      case .bfloat16: ck_bf16_to_f32(source.assumingMemoryBound(to: UInt16.self), target, count)
      }
    }
  }

  /// Index of the first element that is NaN or infinite: all bits of its exponent are set.
  public func firstNotFinite(in tensor: Tensor) -> Int? {
    let bytes = bytes(of: tensor)
    guard let start = bytes.baseAddress else { return nil }
    switch tensor.type {
    case .float32: return Self.first(start, tensor.count, UInt32(0x7f80_0000))
    case .float16: return Self.first(start, tensor.count, UInt16(0x7c00))
    case .bfloat16: return Self.first(start, tensor.count, UInt16(0x7f80))
    }
  }

  private static func first<Word: FixedWidthInteger>(_ start: UnsafeRawPointer, _ count: Int, _ exponent: Word) -> Int? {
    let block = 1024
    var base = 0
    while base < count {
      let end = min(count, base + block)
      // Without a branch inside, so that the compiler can take many at a time.
      var found: Word = 0
      var index = base
      while index < end {
        let word = Word(littleEndian: start.loadUnaligned(fromByteOffset: index * MemoryLayout<Word>.size, as: Word.self))
        found |= word & exponent == exponent ? 1 : 0
        index += 1
      }
      if found != 0 {
        return (base..<end).first { Word(littleEndian: start.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Word>.size, as: Word.self)) & exponent == exponent }
      }
      base = end
    }
    return nil
  }
}
