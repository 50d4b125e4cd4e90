public import CentramNumerics

/// A file that was opened and checked, for who can map it as well.
public protocol StoredFile: AnyObject, Sendable {
  /// Bytes.
  var size: Int { get }
  /// A descriptor of this very file, for reading; the caller closes it. Nil where its path leads to another one by now.
  func openAgain() -> Int32?
}

/// A tensor that lies in a file.
public struct StoredTensor: Sendable {
  public let file: any StoredFile
  /// Of its first byte in the file.
  public let offset: Int
  public let format: FloatFormat
  /// What elements are rounded to before arithmetic; nil: they are taken as they are.
  public var rounding: FloatFormat?

  public init(file: any StoredFile, offset: Int, format: FloatFormat, rounding: FloatFormat? = nil) {
    (self.file, self.offset, self.format, self.rounding) = (file, offset, format, rounding)
  }
}

/// How float32 becomes an output's elements.
public struct OutputEncoding: Sendable, Equatable {
  public let format: FloatFormat
  /// Whether NaN, infinity and what rounds to it may stand in the output.
  public let allowsNonFinite: Bool

  public init(_ format: FloatFormat, allowsNonFinite: Bool) { (self.format, self.allowsNonFinite) = (format, allowsNonFinite) }

  /// - Returns: false where an element may not stand in the output; then `bytes` holds nothing of use.
  public func encode(_ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) -> Bool {
    guard allowsNonFinite else { return format.encodeFinite(floats, count: count, into: bytes) }
    format.encode(floats, count: count, into: bytes)
    return true
  }

  public func permits(_ value: Float) -> Bool { allowsNonFinite || abs(value) <= format.largest }
}
