/// The type of a value in GGUF's metadata; the numbers are the format's.
/// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public enum GGUFType: UInt32, Sendable, CaseIterable {
  case uint8 = 0, int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// Bytes a value; nil where they vary.
  public var size: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  public var name: String { "\(self)" }
}

/// A value of GGUF's metadata, under its own type. Arrays stay in the file until they are asked for.
public enum GGUFValue: Sendable {
  case uint8(UInt8), int8(Int8), uint16(UInt16), int16(Int16), uint32(UInt32), int32(Int32), uint64(UInt64), int64(Int64)
  case float32(Float), float64(Double)
  case bool(Bool)
  case string(String)
  case array(GGUFArray)

  public var type: GGUFType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .uint64: .uint64
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    case .bool: .bool
    case .string: .string
    case .array: .array
    }
  }

  /// A value of any of the integer types; nil for other types and from 2⁶³ on.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    default: nil
    }
  }

  /// A value of either of the floating-point types.
  public var number: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    default: nil
    }
  }
}

/// An array of GGUF's metadata, where it lies in the file.
public struct GGUFArray: Sendable {
  public let elementType: GGUFType
  public let count: Int
  /// The elements, in the file; checked when it was opened.
  let range: Range<Int>
  let mapping: Mapping

  /// The elements, as they lie in the file. Valid as long as this array.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: mapping.bytes[range]) }

  /// The elements of an array of strings; nil for other types.
  public var strings: GGUFStringArray? { elementType == .string ? GGUFStringArray(self) : nil }

  /// The elements of an array of any of the integer types; nil for other types, or where one is 2⁶³ or more.
  public var integers: [Int]? {
    guard elementType.size != nil, ![.float32, .float64, .bool].contains(elementType) else { return nil }
    var list: [Int] = []
    list.reserveCapacity(count)
    var cursor = GGUFCursor(bytes: bytes, file: "")
    for _ in 0..<count {
      guard let number = (try? cursor.scalar(elementType))?.integer else { return nil }
      list.append(number)
    }
    return list
  }

  /// The elements of an array of either of the floating-point types; nil for other types.
  public var numbers: [Double]? {
    guard elementType == .float32 || elementType == .float64 else { return nil }
    var cursor = GGUFCursor(bytes: bytes, file: "")
    var list: [Double] = []
    list.reserveCapacity(count)
    for _ in 0..<count {
      guard let number = (try? cursor.scalar(elementType))?.number else { return nil }
      list.append(number)
    }
    return list
  }

  /// All elements, whatever their type.
  /// - Throws: `.malformed` for a string that is not UTF-8.
  public func values() throws(ModelFileError) -> [GGUFValue] {
    var cursor = GGUFCursor(bytes: mapping.bytes, file: "an array of GGUF's metadata")
    cursor.position = range.lowerBound
    var list: [GGUFValue] = []
    for _ in 0..<count { list.append(try cursor.value(elementType, in: mapping)) }
    return list
  }
}

/// Strings where they lie in the file: opening a vocabulary of 150,000 costs eight bytes each, and no string is made until
/// somebody asks for it.
public struct GGUFStringArray: Sendable, RandomAccessCollection {
  private let array: GGUFArray
  /// Where each starts in the array's bytes, its length of 8 bytes included.
  private let offsets: [Int]

  init(_ array: GGUFArray) {
    self.array = array
    let bytes = array.bytes
    var position = 0
    offsets = [Int](unsafeUninitializedCapacity: array.count) { buffer, count in
      while count < array.count {
        buffer.initializeElement(at: count, to: position)
        position += 8 + Int(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
        count += 1
      }
    }
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { offsets.count }

  /// The string's bytes, which may be no UTF-8. Valid as long as this array.
  public subscript(index: Int) -> UnsafeRawBufferPointer {
    let end = index + 1 < offsets.count ? offsets[index + 1] : array.range.count
    return UnsafeRawBufferPointer(rebasing: array.bytes[(offsets[index] + 8)..<end])
  }

  /// The string; what is no UTF-8 becomes U+FFFD.
  public func string(at index: Int) -> String { String(decoding: self[index], as: UTF8.self) }
}
