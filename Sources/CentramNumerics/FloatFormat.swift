internal import CKernels

/// A format of stored floating-point numbers, and the conversion to and from the float32 that arithmetic is done in.
public enum FloatFormat: UInt8, Sendable, CaseIterable {
  case float64 = 0, float32, float16, bfloat16

  /// Bytes an element.
  public var size: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .float16, .bfloat16: 2
    }
  }

  /// The largest float32 that the format does not round to infinity.
  public var largest: Float {
    switch self {
    case .float16: Float(65520).nextDown
    case .bfloat16: Float(bitPattern: 0x7f7f_7fff)
    case .float64, .float32: .greatestFiniteMagnitude
    }
  }

  /// Converts to float32.
  /// - Parameter bytes: `count` elements, at any alignment.
  public func decode(_ bytes: UnsafeRawPointer, count: Int, into floats: UnsafeMutablePointer<Float>) {
    switch self {
    case .bfloat16: ck_bf16_to_f32(bytes.assumingMemoryBound(to: UInt16.self), floats, count)
    case .float16: ck_f16_to_f32(bytes.assumingMemoryBound(to: UInt16.self), floats, count)
    case .float64: ck_f64_to_f32(bytes.assumingMemoryBound(to: Double.self), floats, count)
    case .float32: UnsafeMutableRawPointer(floats).copyMemory(from: bytes, byteCount: count * 4)
    }
  }

  /// As `decode`, and tells whether all results are finite.
  public func decodeFinite(_ bytes: UnsafeRawPointer, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool {
    if self == .bfloat16 { return ck_bf16_to_f32_finite(bytes.assumingMemoryBound(to: UInt16.self), floats, count) == 1 }
    decode(bytes, count: count, into: floats)
    return ck_all_within(floats, .greatestFiniteMagnitude, count) == 1
  }

  /// Converts from float32 with one rounding, to nearest, ties to even.
  public func encode(_ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) {
    switch self {
    case .bfloat16: ck_f32_to_bf16(floats, bytes.assumingMemoryBound(to: UInt16.self), count)
    case .float16: ck_f32_to_f16(floats, bytes.assumingMemoryBound(to: UInt16.self), count)
    case .float64: ck_f32_to_f64(floats, bytes.assumingMemoryBound(to: Double.self), count)
    case .float32: bytes.copyMemory(from: floats, byteCount: count * 4)
    }
  }

  /// As `encode`, and tells whether all results are finite; where they are not, `bytes` holds nothing of use.
  public func encodeFinite(_ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) -> Bool {
    if self == .bfloat16 { return ck_f32_to_bf16_within(floats, largest, bytes.assumingMemoryBound(to: UInt16.self), count) == 1 }
    guard ck_all_within(floats, largest, count) == 1 else { return false }
    encode(floats, count: count, into: bytes)
    return true
  }

  /// Copies stored elements, each read once, and tells whether all are finite.
  public func copyFinite(_ bytes: UnsafeRawPointer, count: Int, into target: UnsafeMutableRawPointer) -> Bool {
    switch self {
    case .bfloat16: ck_copy_finite_16(bytes.assumingMemoryBound(to: UInt16.self), 0x7f80, target.assumingMemoryBound(to: UInt16.self), count) == 1
    case .float16: ck_copy_finite_16(bytes.assumingMemoryBound(to: UInt16.self), 0x7c00, target.assumingMemoryBound(to: UInt16.self), count) == 1
    case .float32: ck_copy_finite_32(bytes.assumingMemoryBound(to: UInt32.self), target.assumingMemoryBound(to: UInt32.self), count) == 1
    case .float64: ck_copy_finite_64(bytes.assumingMemoryBound(to: UInt64.self), target.assumingMemoryBound(to: UInt64.self), count) == 1
    }
  }
}
