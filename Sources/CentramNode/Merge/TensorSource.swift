public import CentramBlocks
public import CentramModel
public import CentramNumerics

/// Where the elements of one input come from, converted to float32. Read by several threads at once.
public protocol TensorSource: ElementSource {
  var count: Int { get }
  /// Where they lie, if they lie in a file as they are.
  var stored: StoredTensor? { get }
}

extension TensorSource {
  public var stored: StoredTensor? { nil }
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

/// A sink that does nothing with an output but encode and write it.
public protocol EncodingSink: GatheringSink {
  var encoding: OutputEncoding { get }
  /// What it means that an element may not stand in the output.
  func refusal(element: Int, value: Float) -> MergeError
}

extension EncodingSink {
  public var elementSize: Int { encoding.format.size }

  public func encode(offset: Int, _ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) throws(MergeError) {
    guard !encoding.encode(floats, count: count, into: bytes) else { return }
    let index = (0..<count).first { !encoding.permits(floats[$0]) } ?? 0
    throw refusal(element: offset + index, value: floats[index])
  }
}

extension SafetensorsFile: StoredFile {}

/// A tensor in a mapped file.
public struct MappedSource: TensorSource, @unchecked Sendable {  // the bytes are the file's, which nobody writes
  private let bytes: UnsafeRawPointer
  private let format: NumberFormat
  private let offset: Int
  public let count: Int
  /// Keeps the mapping alive.
  private let file: SafetensorsFile

  public init(_ tensor: SafetensorsFile.Tensor, of file: SafetensorsFile) {
    (bytes, format) = (file.bytes(of: tensor).baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, tensor.format)
    (offset, count, self.file) = (file.offset(of: tensor), tensor.count, file)
  }

  private var elements: StoredElements {
    guard let format = format.floating else { preconditionFailure("\(format.rawValue) holds no floating-point numbers") }
    return StoredElements(bytes: bytes, format: format)
  }

  public var stored: StoredTensor? { format.floating.map { StoredTensor(file: file, offset: offset, format: $0) } }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) { elements.read(offset: offset, count: count, into: floats) }
  public func readFinite(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) -> Bool {
    elements.readFinite(offset: offset, count: count, into: floats)
  }
  public func lend(offset: Int, count: Int) -> UnsafePointer<Float>? { format == .float32 ? elements.lend(offset: offset, count: count) : nil }
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
  let format: FloatFormat
  public var count: Int { source.count }

  public init(_ source: any TensorSource, to format: FloatFormat) { (self.source, self.format) = (source, format) }

  public var stored: StoredTensor? {
    guard var stored = source.stored, stored.rounding == nil else { return nil }
    stored.rounding = format
    return stored
  }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    source.read(offset: offset, count: count, into: floats)
    format.round(floats, count: count)
  }
}
