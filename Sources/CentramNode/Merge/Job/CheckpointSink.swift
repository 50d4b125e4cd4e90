internal import CentramBlocks
internal import CentramModel

/// Converts one tensor's output to its format and writes it to a checkpoint.
struct CheckpointSink: EncodingSink {
  let writer: CheckpointWriter
  let name: String
  let format: NumberFormat
  let encoding: OutputEncoding

  /// - Parameter format: a floating-point format.
  init(writer: CheckpointWriter, name: String, format: NumberFormat, allowsNonFinite: Bool) {
    guard let floating = format.floating else { preconditionFailure("\(format.rawValue) holds no floating-point numbers") }
    (self.writer, self.name, self.format, encoding) = (writer, name, format, OutputEncoding(floating, allowsNonFinite: allowsNonFinite))
  }

  func refusal(element: Int, value: Float) -> MergeError {
    let reason = value.isFinite ? ", too large for \(format.torchName); set out_dtype: bfloat16 or float32" : "; --allow-nonfinite writes it all the same"
    return MergeError(.output, "\(name): element \(element) of the result is \(value)\(reason)")
  }

  func write(offset: Int, encoded bytes: UnsafeRawBufferPointer) throws(MergeError) {
    do throws(ModelFileError) {
      try writer.write(bytes, of: name, at: offset * elementSize)
    } catch {
      throw MergeError(.output, error.message)
    }
  }

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
    let result: Result<Void, MergeError> = withUnsafeTemporaryAllocation(byteCount: count * elementSize, alignment: 16) { bytes in
      do throws(MergeError) {
        try encode(offset: offset, floats, count: count, into: bytes.baseAddress!)
        try write(offset: offset, encoded: UnsafeRawBufferPointer(bytes))
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
  }
}
