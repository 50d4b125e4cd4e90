internal import CentramModel

/// Converts one tensor's output to its format and writes it to a checkpoint.
struct CheckpointSink: TensorSink {
  let writer: CheckpointWriter
  let name: String
  let format: NumberFormat

  func write(offset: Int, _ floats: UnsafePointer<Float>, count: Int) throws(MergeError) {
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
