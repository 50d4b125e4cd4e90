public import CentramNumerics

/// How a tensor's elements are stored, by the names of the safetensors format.
public enum NumberFormat: String, Sendable, CaseIterable {
  case float64 = "F64", float32 = "F32", float16 = "F16", bfloat16 = "BF16"
  case int64 = "I64", int32 = "I32", int16 = "I16", int8 = "I8"
  case uint64 = "U64", uint32 = "U32", uint16 = "U16", uint8 = "U8"
  case bool = "BOOL", float8e4m3 = "F8_E4M3", float8e5m2 = "F8_E5M2"

  /// Bytes an element.
  public var size: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool, .float8e4m3, .float8e5m2: 1
    }
  }

  /// Whether arithmetic is done on it; all others are copied.
  public var isFloatingPoint: Bool { floating != nil }

  /// The name in config.json and in merge configurations: `bfloat16`.
  public var torchName: String {
    switch self {
    case .float64: "float64"
    case .float32: "float32"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .int64: "int64"
    case .int32: "int32"
    case .int16: "int16"
    case .int8: "int8"
    case .uint64: "uint64"
    case .uint32: "uint32"
    case .uint16: "uint16"
    case .uint8: "uint8"
    case .bool: "bool"
    case .float8e4m3: "float8_e4m3fn"
    case .float8e5m2: "float8_e5m2"
    }
  }

  /// With or without `torch.` in front; nil where there is no such format.
  public init?(torchName: String) {
    let name = torchName.hasPrefix("torch.") ? String(torchName.dropFirst(6)) : torchName
    guard let match = Self.allCases.first(where: { $0.torchName == name }) else { return nil }
    self = match
  }

  /// The format as one that arithmetic is done on; nil for all others.
  public var floating: FloatFormat? {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    default: nil
    }
  }

  private var arithmetic: FloatFormat {
    guard let floating else { preconditionFailure("\(rawValue) holds no floating-point numbers") }
    return floating
  }

  /// Converts to float32. Only for floating-point formats.
  /// - Parameter bytes: `count` elements, at any alignment.
  public func decode(_ bytes: UnsafeRawPointer, count: Int, into floats: UnsafeMutablePointer<Float>) {
    arithmetic.decode(bytes, count: count, into: floats)
  }

  /// Converts from float32 with one rounding, to nearest, ties to even. Only for floating-point formats.
  public func encode(_ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) {
    arithmetic.encode(floats, count: count, into: bytes)
  }
}
