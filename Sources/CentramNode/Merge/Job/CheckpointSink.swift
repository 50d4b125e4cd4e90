internal import CentramModel
internal import CKernels

/// Converts one tensor's output to its format and writes it to a checkpoint.
struct CheckpointSink: TensorSink {
  let writer: CheckpointWriter
  let name: String
  let format: NumberFormat
  let allowsNonFinite: Bool

  /// The largest value that the format does not round to infinity.
  private var limit: Float { format == .float16 ? Float(65520).nextDown : format == .bfloat16 ? Float(bitPattern: 0x7f7f_7fff) : .greatestFiniteMagnitude }

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    guard allowsNonFinite || ck_all_within(floats, limit, count) == 1 else {
      let index = (0..<count).first { !(abs(floats[$0]) <= limit) } ?? 0
      let value = floats[index]
      throw MergeError(
        .output,
        "\(name): element \(offset + index) of the result is \(value)\(value.isFinite ? ", too large for \(format.torchName); set out_dtype: bfloat16 or float32" : "; --allow-nonfinite writes it all the same")")
    }
    let size = count * format.size
    let result: Result<Void, ModelFileError> = withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { bytes in
      do throws(ModelFileError) {
        format.encode(floats, count: count, into: bytes.baseAddress!)
        try writer.write(UnsafeRawBufferPointer(rebasing: bytes[0..<size]), of: name, at: offset * format.size)
        return .success(())
      } catch { return .failure(error) }
    }
    do throws(ModelFileError) {
      try result.get()
    } catch {
      throw MergeError(.output, error.message)
    }
  }
}
