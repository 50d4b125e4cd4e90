internal import CKernels
public import CentramModel

/// Where the elements of one input come from, converted to float32. Read by several threads at once.
public protocol TensorSource: Sendable {
  var count: Int { get }
  /// Converts elements [offset, offset + count) into `floats`.
  func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>)
  /// The same, and tells whether all are finite.
  func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool
  /// The elements where they lie, if they lie in memory as float32; else nil. Valid as long as the source.
  func lend(offset: Int, count: Int) -> UnsafePointer<Float>?
}

extension TensorSource {
  public func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool {
    read(offset: offset, count: count, into: floats)
    return ck_all_within(floats, .greatestFiniteMagnitude, count) == 1
  }

  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? { nil }
}

/// Takes the output of one tensor. Blocks arrive in any order, from several threads.
public protocol TensorSink: Sendable {
  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError)
}

/// A sink that takes blocks in two steps, so that few large pieces are written instead of many small ones.
public protocol GatheringSink: TensorSink {
  /// Bytes an element.
  var elementSize: Int { get }
  /// Converts elements from `offset` on.
  func encode(offset: Int, _ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) throws(MergeError)
  /// Writes converted elements from `offset` on.
  func write(offset: Int, encoded bytes: UnsafeRawBufferPointer) throws(MergeError)
}

/// A tensor in a mapped file.
public struct MappedSource: TensorSource, @unchecked Sendable {
  let bytes: UnsafeRawPointer
  let format: NumberFormat
  public let count: Int
  /// Keeps the mapping alive.
  let owner: any AnyObject & Sendable

  public init(_ tensor: SafetensorsFile.Tensor, of file: SafetensorsFile) {
    (bytes, format, count, owner) = (file.bytes(of: tensor).baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, tensor.format, tensor.count, file)
  }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    format.decode(bytes + offset * format.size, count: count, into: floats)
  }

  public func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool {
    if format == .bfloat16 {
      return ck_bf16_to_f32_finite((bytes + offset * 2).assumingMemoryBound(to: UInt16.self), floats, count) == 1
    }
    read(offset: offset, count: count, into: floats)
    return ck_all_within(floats, .greatestFiniteMagnitude, count) == 1
  }

  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? {
    guard format == .float32, UInt(bitPattern: bytes) % 4 == 0 else { return nil }
    return (bytes + offset * 4).assumingMemoryBound(to: Float.self)
  }
}

/// A tensor in memory.
public final class ArraySource: TensorSource, @unchecked Sendable {
  let floats: UnsafeMutableBufferPointer<Float>
  public var count: Int { floats.count }

  public init(_ values: [Float]) {
    floats = .allocate(capacity: values.count)
    _ = floats.initialize(from: values)
  }
  deinit { floats.deallocate() }

  public func read(offset: Int, count: Int, into target: UnsafeMutablePointer<Float>) {
    target.update(from: floats.baseAddress! + offset, count: count)
  }
  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? { floats.baseAddress.map { UnsafePointer($0 + offset) } }
}

/// Rounds another source to a format before arithmetic, as `dtype` asks for.
public struct RoundedSource: TensorSource {
  let source: any TensorSource
  let format: NumberFormat
  public var count: Int { source.count }

  public init(_ source: any TensorSource, to format: NumberFormat) { (self.source, self.format) = (source, format) }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    source.read(offset: offset, count: count, into: floats)
    withUnsafeTemporaryAllocation(byteCount: count * format.size, alignment: 8) { bytes in
      guard let base = bytes.baseAddress else { return }
      format.encode(floats, count: count, into: base)
      format.decode(base, count: count, into: floats)
    }
  }
}
