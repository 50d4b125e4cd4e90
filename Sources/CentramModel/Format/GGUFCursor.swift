/// Reads a GGUF file's head from left to right; nothing is read beyond the file, and nothing is copied that is skipped.
struct GGUFCursor {
  let bytes: UnsafeRawBufferPointer
  /// For messages.
  let file: String
  var position = 0

  init(bytes: UnsafeRawBufferPointer, file: String) { (self.bytes, self.file) = (bytes, file) }

  static let maximumDepth = 4

  var remaining: Int { bytes.count - position }

  func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): not a good GGUF file: \(message) (byte \(position))") }

  mutating func load<Integer: FixedWidthInteger>(_: Integer.Type, _ what: @autoclosure () -> String) throws(ModelFileError) -> Integer {
    let size = Integer.bitWidth / 8
    guard size <= remaining else { throw malformed("it ends within \(what())") }
    defer { position += size }
    return Integer(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Integer.self))
  }

  /// A count or length that fits what is left of the file, at `least` bytes a piece.
  mutating func count(_ what: @autoclosure () -> String, least: Int) throws(ModelFileError) -> Int {
    let number = try load(UInt64.self, what())
    guard number <= UInt64(remaining / least) else {
      throw malformed("\(what()) is \(number), more than the \(remaining) bytes behind it can hold")
    }
    return Int(number)
  }

  /// The bytes of a string, not checked.
  mutating func stringBytes(_ what: @autoclosure () -> String) throws(ModelFileError) -> UnsafeRawBufferPointer {
    let length = try count("the length of \(what())", least: 1)
    defer { position += length }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + length)])
  }

  mutating func string(_ what: @autoclosure () -> String, atMost limit: Int = .max) throws(ModelFileError) -> String {
    let text = try stringBytes(what())
    guard text.count <= limit else { throw malformed("\(what()) is \(text.count) bytes long; \(limit) is the limit") }
    guard let string = String(validating: text, as: UTF8.self) else { throw malformed("\(what()) is not UTF-8") }
    return string
  }

  mutating func type(_ what: @autoclosure () -> String) throws(ModelFileError) -> GGUFType {
    let number = try load(UInt32.self, "the type of \(what())")
    guard let type = GGUFType(rawValue: number) else { throw malformed("\(what()) has type \(number); GGUF's types are 0 to 12") }
    return type
  }

  /// A value of a type that has one size.
  mutating func scalar(_ type: GGUFType) throws(ModelFileError) -> GGUFValue {
    switch type {
    case .uint8: return .uint8(try load(UInt8.self, "a value"))
    case .int8: return .int8(try load(Int8.self, "a value"))
    case .uint16: return .uint16(try load(UInt16.self, "a value"))
    case .int16: return .int16(try load(Int16.self, "a value"))
    case .uint32: return .uint32(try load(UInt32.self, "a value"))
    case .int32: return .int32(try load(Int32.self, "a value"))
    case .uint64: return .uint64(try load(UInt64.self, "a value"))
    case .int64: return .int64(try load(Int64.self, "a value"))
    case .float32: return .float32(Float(bitPattern: try load(UInt32.self, "a value")))
    case .float64: return .float64(Double(bitPattern: try load(UInt64.self, "a value")))
    case .bool:
      let byte = try load(UInt8.self, "a value")
      guard byte < 2 else { throw malformed("a truth value is \(byte), neither 0 nor 1") }
      return .bool(byte == 1)
    case .string, .array: preconditionFailure("\(type) has no one size")
    }
  }

  /// A value that `skip` has checked before, but for a string's UTF-8.
  mutating func value(_ type: GGUFType, in mapping: Mapping) throws(ModelFileError) -> GGUFValue {
    switch type {
    case .string: return .string(try string("a string"))
    case .array:
      let element = try self.type("an array's elements")
      let count = try load(UInt64.self, "the count of an array")
      let start = position
      for _ in 0..<count where element.size == nil { try skip(element, depth: 1, "an array") }
      if let size = element.size { position += size * Int(count) }
      return .array(GGUFArray(elementType: element, count: Int(count), range: start..<position, mapping: mapping))
    default: return try scalar(type)
    }
  }

  /// Checks a value and stands behind it.
  mutating func skip(_ type: GGUFType, depth: Int, _ what: @autoclosure () -> String) throws(ModelFileError) {
    switch type {
    case .string: _ = try stringBytes(what())
    case .array:
      guard depth < Self.maximumDepth else { throw malformed("\(what()) has arrays in each other, more than \(Self.maximumDepth) deep") }
      let element = try self.type("an element of \(what())")
      let least = element.size ?? (element == .string ? 8 : 12)
      let count = try self.count("the count of \(what())", least: least)
      switch element {
      case .string: try skipStrings(count, what())
      case .array: for _ in 0..<count { try skip(.array, depth: depth + 1, what()) }
      case .bool:
        guard bytes[position..<(position + count)].allSatisfy({ $0 < 2 }) else { throw malformed("\(what()) has a truth value that is neither 0 nor 1") }
        position += count
      default: position += least * count
      }
    case .bool: _ = try scalar(.bool)
    default:
      guard let size = type.size, size <= remaining else { throw malformed("it ends within \(what())") }
      position += size
    }
  }

  /// As `skip`, fast: vocabularies have 150,000 of them.
  private mutating func skipStrings(_ count: Int, _ what: @autoclosure () -> String) throws(ModelFileError) {
    guard let start = bytes.baseAddress else { return }
    let end = bytes.count
    var place = position
    for index in 0..<count {
      guard end - place >= 8 else { throw malformed("it ends within \(what())") }
      let length = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      place += 8
      guard length <= UInt64(end - place) else { throw malformed("string \(index) of \(what()) is \(length) bytes long, with \(end - place) left") }
      place += Int(length)
    }
    position = place
  }
}
