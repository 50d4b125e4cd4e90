/// A GGUF file, mapped into memory and checked before anything of it is used: version, counts against what is left of the
/// file, types, names, shapes, sizes, alignment, and that no two tensors overlap. What is kept besides the mapping grows
/// with the number of keys and tensors, never with what they hold.
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public final class GGUFFile: Sendable {
  public struct Tensor: Sendable, Equatable {
    public let name: String
    public let type: GGUFTensorType
    /// Outermost first, as Hugging Face writes it; the file has it the other way round.
    public let shape: [Int]
    /// In the file.
    public let range: Range<Int>
    public var count: Int { shape.reduce(1, *) }
  }

  /// Where a value lies in the file.
  struct Field: Sendable {
    let key: String
    let type: GGUFType
    let range: Range<Int>
  }

  public static let versions: ClosedRange<UInt32> = 2...3
  public static let maximumFields = 1 << 16
  public static let maximumTensors = 1 << 20
  public static let maximumKeyLength = 65535
  public static let maximumNameLength = 255
  public static let maximumRank = 4
  public static let maximumAlignment = 1 << 20

  public let path: String
  public let version: UInt32
  /// Tensors start at multiples of it.
  public let alignment: Int
  /// In the file's order.
  public let tensors: [Tensor]
  let fields: [Field]
  private let mapping: Mapping
  private let tensorIndex: [String: Int]
  private let fieldIndex: [String: Int]

  /// Bytes of the whole file.
  public var size: Int { mapping.bytes.count }
  /// In the file's order.
  public var keys: [String] { fields.map(\.key) }

  /// - Throws: `.unreadable`, `.malformed`, or `.unsupported` for versions and types that are not known.
  public convenience init(path: String) throws(ModelFileError) {
    try self.init(mapping: try Mapping(path: path), path: path)
  }

  /// Checks a file that is in memory already.
  public convenience init(data: [UInt8], name: String) throws(ModelFileError) {
    try self.init(mapping: Mapping(copying: data), path: name)
  }

  init(mapping: Mapping, path: String) throws(ModelFileError) {
    let head = try GGUFHead(mapping.bytes, file: path)
    (self.mapping, self.path, version, alignment) = (mapping, path, head.version, head.alignment)
    (fields, tensors, fieldIndex, tensorIndex) = (head.fields, head.tensors, head.fieldIndex, head.tensorIndex)
  }

  public func tensor(_ name: String) -> Tensor? { tensorIndex[name].map { tensors[$0] } }

  /// The tensor's bytes. Valid as long as the file.
  public func bytes(of tensor: Tensor) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: mapping.bytes[tensor.range]) }

  public func has(_ key: String) -> Bool { fieldIndex[key] != nil }

  /// Nil where the file has no such key.
  /// - Throws: `.malformed` for a string that is not UTF-8.
  public func value(_ key: String) throws(ModelFileError) -> GGUFValue? {
    guard let index = fieldIndex[key] else { return nil }
    var cursor = GGUFCursor(bytes: mapping.bytes, file: "\(path): \(key.prefix(100))")
    cursor.position = fields[index].range.lowerBound
    return try cursor.value(fields[index].type, in: mapping)
  }

  /// A value's type and bytes, as they lie in the file; valid as long as the file.
  func rawValue(_ key: String) -> (type: GGUFType, bytes: UnsafeRawBufferPointer)? {
    fieldIndex[key].map { (fields[$0].type, UnsafeRawBufferPointer(rebasing: mapping.bytes[fields[$0].range])) }
  }
}

extension GGUFFile {
  private func wrong(_ key: String, _ value: GGUFValue, _ wanted: String) -> ModelFileError {
    ModelFileError(.malformed, "\(path): \(key) is of type \(value.type.name), not \(wanted)")
  }

  /// - Throws: `.malformed` where the value is of another type.
  public func string(_ key: String) throws(ModelFileError) -> String? {
    guard let value = try value(key) else { return nil }
    guard case .string(let text) = value else { throw wrong(key, value, "a string") }
    return text
  }

  /// A value of any of the integer types.
  public func integer(_ key: String) throws(ModelFileError) -> Int? {
    guard let value = try value(key) else { return nil }
    guard let integer = value.integer else { throw wrong(key, value, "a whole number below 2⁶³") }
    return integer
  }

  /// A value of any of the number types.
  public func number(_ key: String) throws(ModelFileError) -> Double? {
    guard let value = try value(key) else { return nil }
    guard let number = value.number ?? value.integer.map(Double.init) else { throw wrong(key, value, "a number") }
    return number
  }

  public func flag(_ key: String) throws(ModelFileError) -> Bool? {
    guard let value = try value(key) else { return nil }
    guard case .bool(let flag) = value else { throw wrong(key, value, "a truth value") }
    return flag
  }

  public func array(_ key: String) throws(ModelFileError) -> GGUFArray? {
    guard let value = try value(key) else { return nil }
    guard case .array(let array) = value else { throw wrong(key, value, "an array") }
    return array
  }

  public func strings(_ key: String) throws(ModelFileError) -> GGUFStringArray? {
    guard let array = try array(key) else { return nil }
    guard let strings = array.strings else {
      throw ModelFileError(.malformed, "\(path): \(key) is an array of \(array.elementType.name), not of strings")
    }
    return strings
  }
}
