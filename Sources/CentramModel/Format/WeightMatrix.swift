internal import CModelKernels

/// A matrix in the format of its file, mapped or copied; row-major, `rows` outputs of `columns` inputs.
public struct WeightMatrix: @unchecked Sendable {
  public let format: WeightFormat
  public let rows: Int
  public let columns: Int
  /// `rows` rows of `format.rowSize(columns:)` bytes, at any alignment.
  public let bytes: UnsafeRawPointer
  /// What keeps `bytes` valid.
  public let owner: AnyObject

  public init(format: WeightFormat, rows: Int, columns: Int, bytes: UnsafeRawPointer, owner: AnyObject) {
    (self.format, self.rows, self.columns, self.bytes, self.owner) = (format, rows, columns, bytes, owner)
  }

  public var byteCount: Int { rows * (format.rowSize(columns: columns) ?? 0) }
}

/// The tensors of a model under the names of its Hugging Face checkpoint, whatever the file calls them and in whatever order
/// it keeps their rows.
public protocol WeightSource: Sendable {
  /// Where it is, for messages.
  var path: String { get }
  var tensorNames: [String] { get }
  /// Outermost first; nil where there is no such tensor.
  func shape(_ name: String) -> [Int]?
  /// - Parameter name: such as `model.layers.0.self_attn.q_proj.weight`.
  /// - Throws: `.malformed` where it is no matrix, `.unsupported` where its format is none that can be computed with.
  func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix?
  /// A tensor of one dimension as float32, exactly.
  func vector(_ name: String) throws(ModelFileError) -> [Float]?
}

extension WeightMatrix {
  /// The float32 value of every weight, row by row.
  public func floats() -> [Float] { floats(rows: 0..<rows) }

  /// The float32 values of some rows.
  public func floats(rows: Range<Int>) -> [Float] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= self.rows, "rows \(rows) of \(self.rows)")
    let size = format.rowSize(columns: columns) ?? 0
    return [Float](unsafeUninitializedCapacity: rows.count * columns) { buffer, count in
      for (index, row) in rows.enumerated() {
        mk_dequantize(format.kernel, bytes + row * size, buffer.baseAddress! + index * columns, columns)
      }
      count = rows.count * columns
    }
  }
}
