internal import CKernels
public import CentramNumerics

/// Elements of one input, converted to float32. Read by several threads at once.
public protocol ElementSource: Sendable {
  /// Converts elements [offset, offset + count) into `floats`.
  func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>)
  /// The same, and tells whether all are finite.
  func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool
  /// The elements where they lie, if they lie in memory as float32; else nil. Valid as long as the source.
  func lend(offset: Int, count: Int) -> UnsafePointer<Float>?
}

extension ElementSource {
  public func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool {
    read(offset: offset, count: count, into: floats)
    return ck_all_within(floats, .greatestFiniteMagnitude, count) == 1
  }

  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? { nil }
}

/// Stored elements in memory, at any alignment.
public struct StoredElements: ElementSource, @unchecked Sendable {  // who makes it keeps the bytes, which nobody writes
  public let bytes: UnsafeRawPointer
  public let format: FloatFormat
  /// What elements are rounded to before arithmetic; nil: they are taken as they are.
  public let rounding: FloatFormat?

  public init(bytes: UnsafeRawPointer, format: FloatFormat, rounding: FloatFormat? = nil) {
    (self.bytes, self.format, self.rounding) = (bytes, format, rounding)
  }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    format.decode(bytes + offset * format.size, count: count, into: floats)
    rounding?.round(floats, count: count)
  }

  public func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool {
    guard rounding != nil else { return format.decodeFinite(bytes + offset * format.size, count: count, into: floats) }
    read(offset: offset, count: count, into: floats)
    return ck_all_within(floats, .greatestFiniteMagnitude, count) == 1
  }

  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? {
    guard rounding == nil, format == .float32, UInt(bitPattern: bytes) % 4 == 0 else { return nil }
    return (bytes + offset * 4).assumingMemoryBound(to: Float.self)
  }
}

extension FloatFormat {
  /// Rounds float32 numbers to this format, in place.
  public func round(_ floats: UnsafeMutablePointer<Float>, count: Int) {
    withUnsafeTemporaryAllocation(byteCount: count * size, alignment: 8) { bytes in
      guard let base = bytes.baseAddress else { return }
      encode(floats, count: count, into: base)
      decode(base, count: count, into: floats)
    }
  }
}
