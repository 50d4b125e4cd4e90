internal import CKernels
internal import CentramModel

/// Converts one tensor's output to its format and writes it to a checkpoint.
struct CheckpointSink: GatheringSink {
  let writer: CheckpointWriter
  let name: String
  let format: NumberFormat
  let allowsNonFinite: Bool

  var elementSize: Int { format.size }

  /// The largest value that the format does not round to infinity.
  private var limit: Float {
    switch format {
    case .float16: Float(65520).nextDown
    case .bfloat16: Float(bitPattern: 0x7f7f_7fff)
    default: .greatestFiniteMagnitude
    }
  }

  func encode(offset: Int, _ floats: UnsafePointer<Float>, count: Int, into bytes: UnsafeMutableRawPointer) throws(MergeError) {
    let isWithin: Bool
    if format == .bfloat16 && !allowsNonFinite {
      isWithin = ck_f32_to_bf16_within(floats, limit, bytes.assumingMemoryBound(to: UInt16.self), count) == 1
    } else {
      isWithin = allowsNonFinite || ck_all_within(floats, limit, count) == 1
      if isWithin { format.encode(floats, count: count, into: bytes) }
    }
    guard isWithin else {
      let index = (0..<count).first { !(abs(floats[$0]) <= limit) } ?? 0
      let value = floats[index]
      let reason = value.isFinite ? ", too large for \(format.torchName); set out_dtype: bfloat16 or float32" : "; --allow-nonfinite writes it all the same"
      throw MergeError(.output, "\(name): element \(offset + index) of the result is \(value)\(reason)")
    }
  }

  func write(offset: Int, encoded bytes: UnsafeRawBufferPointer) throws(MergeError) {
    do throws(ModelFileError) {
      try writer.write(bytes, of: name, at: offset * format.size)
    } catch {
      throw MergeError(.output, error.message)
    }
  }

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    let result: Result<Void, MergeError> = withUnsafeTemporaryAllocation(byteCount: count * format.size, alignment: 16) { bytes in
      do throws(MergeError) {
        try encode(offset: offset, floats, count: count, into: bytes.baseAddress!)
        try write(offset: offset, encoded: UnsafeRawBufferPointer(bytes))
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
  }
}
