internal import CModelKernels

/// How a matrix of weights lies in its file. The numbers are GGUF's.
public enum WeightFormat: UInt32, Sendable, CaseIterable {
  case f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q4_K = 12, q5_K = 13, q6_K = 14, bf16 = 30

  /// Weights that share scales: 1, 32 or 256. A row is a whole number of blocks.
  public var blockLength: Int { mk_block_length(kernel) }
  public var blockSize: Int { mk_block_bytes(kernel) }
  /// Bytes of a row; nil where `columns` is no multiple of the block.
  public func rowSize(columns: Int) -> Int? { columns % blockLength == 0 ? columns / blockLength * blockSize : nil }
  public var isQuantized: Bool { blockLength > 1 }

  /// As GGUF's files are named: `Q4_K`.
  public var name: String { "\(self)".uppercased() }

  var kernel: mk_format { mk_format(rawValue: rawValue) }
}

extension WeightFormat {
  /// Formats that weights can be converted to.
  public static let writable: [WeightFormat] = [.f32, .f16, .bf16, .q8_0, .q5_0, .q4_1, .q4_0]

  /// The nearest values of a row in this format. False where it cannot be written, or the row is no whole number of blocks.
  func quantize(_ row: [Float], into bytes: UnsafeMutableRawPointer) -> Bool { mk_quantize(kernel, row, bytes, row.count) != 0 }
}

extension WeightFormat {
  /// The same numbers by safetensors' name; nil for quantised formats.
  public var numberFormat: NumberFormat? {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    default: nil
    }
  }
}
