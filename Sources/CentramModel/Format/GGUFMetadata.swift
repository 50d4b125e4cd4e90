/// Metadata to write into a GGUF file, in order.
public struct GGUFMetadata: Sendable {
  /// A key's type and value as bytes.
  private(set) var entries: [(key: String, bytes: [UInt8])] = []

  public init() {}

  public var keys: [String] { entries.map(\.key) }

  /// Takes the place of a value under the same key.
  private mutating func set(_ key: String, _ type: GGUFType, _ payload: [UInt8]) {
    let bytes = Self.bytes(type.rawValue) + payload
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].bytes = bytes
    } else {
      entries.append((key, bytes))
    }
  }

  public mutating func set(_ key: String, _ value: GGUFValue) { set(key, value.type, Self.payload(value)) }
  public mutating func set(_ key: String, _ text: String) { set(key, .string(text)) }
  public mutating func set(_ key: String, _ flag: Bool) { set(key, .bool(flag)) }
  public mutating func set(_ key: String, uint32 value: Int) { set(key, .uint32(UInt32(clamping: value))) }
  public mutating func set(_ key: String, float32 value: Double) { set(key, .float32(Float(value))) }

  /// An array; all elements are of this type.
  public mutating func set(_ key: String, _ elementType: GGUFType, _ elements: [GGUFValue]) {
    precondition(elements.allSatisfy { $0.type == elementType }, "\(key): an array of \(elementType.name) holds nothing else")
    var payload = Self.bytes(elementType.rawValue) + Self.bytes(UInt64(elements.count))
    for element in elements { payload += Self.payload(element) }
    set(key, .array, payload)
  }

  public mutating func set(_ key: String, strings: [String]) {
    var payload = Self.bytes(GGUFType.string.rawValue) + Self.bytes(UInt64(strings.count))
    for text in strings { payload += Self.text(text) }
    set(key, .array, payload)
  }

  public mutating func set(_ key: String, int32s: [Int32]) { set(key, .int32, int32s.map { .int32($0) }) }
  public mutating func set(_ key: String, float32s: [Float]) { set(key, .float32, float32s.map { .float32($0) }) }

  /// Copies a value as it lies in another file; nothing where that has no such key.
  public mutating func copy(_ key: String, from file: GGUFFile) {
    guard let (type, bytes) = file.rawValue(key) else { return }
    set(key, type, Array(bytes))
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  private static func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }

  private static func payload(_ value: GGUFValue) -> [UInt8] {
    switch value {
    case .uint8(let value): bytes(value)
    case .int8(let value): bytes(value)
    case .uint16(let value): bytes(value)
    case .int16(let value): bytes(value)
    case .uint32(let value): bytes(value)
    case .int32(let value): bytes(value)
    case .uint64(let value): bytes(value)
    case .int64(let value): bytes(value)
    case .float32(let value): bytes(value.bitPattern)
    case .float64(let value): bytes(value.bitPattern)
    case .bool(let value): [value ? 1 : 0]
    case .string(let value): text(value)
    case .array(let value): bytes(value.elementType.rawValue) + bytes(UInt64(value.count)) + Array(value.bytes)
    }
  }
}
