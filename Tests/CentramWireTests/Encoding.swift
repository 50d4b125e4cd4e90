import Foundation

/// Protocol Buffers' encoding, written here so that the generated code is compared with something else.
enum Encoding {
  static func varint(_ value: UInt64) -> [UInt8] { value < 128 ? [UInt8(value)] : [UInt8(value & 127) | 128] + varint(value >> 7) }
  static func tag(_ number: Int, _ wire: UInt64) -> [UInt8] { varint(UInt64(number) << 3 | wire) }
  static func bytes(_ number: Int, _ bytes: [UInt8]) -> [UInt8] { tag(number, 2) + varint(UInt64(bytes.count)) + bytes }
  static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
}

extension Schema.Field {
  /// One value of a field, without its tag.
  enum Value {
    case integer(UInt64)
    case real(Double)
    /// Bytes, text or an encoded message.
    case bytes([UInt8])
  }

  var isEnumeration: Bool { Schema.enumerations.contains { $0.name == type } }
  var isMessage: Bool { Schema.byName[type] != nil }
  /// Numbers of a repeated field stand in one packet.
  var isPacked: Bool { repeated && !isMessage && type != "string" && type != "bytes" }

  func encoded(_ values: [Value]) -> [UInt8] {
    if isPacked { return values.isEmpty ? [] : Encoding.bytes(number, values.flatMap(bare)) }
    return values.flatMap { value -> [UInt8] in
      switch value {
      case .integer: Encoding.tag(number, 0) + bare(value)
      case .real: Encoding.tag(number, type == "float" ? 5 : 1) + bare(value)
      case .bytes(let bytes): Encoding.bytes(number, bytes)
      }
    }
  }

  private func bare(_ value: Value) -> [UInt8] {
    switch value {
    case .integer(let value): Encoding.varint(value)
    case .real(let value): type == "float" ? Encoding.littleEndian(Float(value).bitPattern) : Encoding.littleEndian(value.bitPattern)
    case .bytes(let bytes): bytes
    }
  }

  /// The numbers in the field's rule, in their order.
  var numbers: [UInt64] { rule.matches(of: /\d+/).map { UInt64($0.output)! } }

  /// A value that the rule takes, other than the default.
  func value(_ salt: Int) -> Value {
    let numbers = numbers
    switch type {
    case "bool": return .integer(1)
    case "uint32", "uint64":
      if repeated || rule.isEmpty { return .integer(UInt64(salt % 100 + 1)) }
      let (low, high) = rule.hasPrefix("at most") ? (0, numbers[0]) : rule.hasPrefix("at least") ? (numbers[0], numbers[0] + 1000) : (numbers[0], numbers[1])
      return .integer(max(low, 1) + UInt64(salt) % (high - max(low, 1) + 1))
    case "float", "double": return .real(rule == "finite" ? -0.5 : 0.25)
    case "string", "bytes":
      let rule = rule.split(separator: " items of ").last ?? ""
      let length = numbers.last!
      let count = rule.contains("at most") || rule.contains(" to ") ? min(length, 5) : length
      return .bytes((0..<Int(count)).map { UInt8(97 + (salt + $0) % 26) })
    default:
      if let message = Schema.byName[type] { return .bytes(message.filled(salt + 1)) }
      let values = Schema.enumerations.first { $0.name == type }!.values
      return .integer(UInt64(values[1 + salt % (values.count - 1)].number))
    }
  }
}

extension Schema.Message {
  /// The message with every field set and two items in each list, in the order of the numbers. `replacing` puts other bytes in place of one field.
  func filled(_ salt: Int = 0, replacing: (number: Int, bytes: [UInt8])? = nil) -> [UInt8] {
    fields.flatMap { field -> [UInt8] in
      if let replacing, replacing.number == field.number { return replacing.bytes }
      return field.encoded((0..<(field.repeated ? 2 : 1)).map { field.value(salt + field.number + $0) })
    }
  }
}
