/// The tensors of safetensors files, under their own names.
public final class CheckpointWeights: WeightSource {
  public let checkpoint: Checkpoint

  public init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

  public var path: String { checkpoint.path }
  public var tensorNames: [String] { checkpoint.tensorNames.sorted() }
  public func shape(_ name: String) -> [Int]? { checkpoint.entry(name)?.tensor.shape }

  public func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix? {
    guard let entry = checkpoint.entry(name) else { return nil }
    let tensor = entry.tensor
    guard tensor.shape.count == 2, tensor.count > 0 else {
      throw ModelFileError(.malformed, "\(entry.file.path): \(name) has the shape \(tensor.shape), not that of a matrix")
    }
    return WeightMatrix(
      format: try format(entry), rows: tensor.shape[0], columns: tensor.shape[1], bytes: entry.file.bytes(of: tensor).baseAddress!, owner: entry.file)
  }

  public func vector(_ name: String) throws(ModelFileError) -> [Float]? {
    guard let entry = checkpoint.entry(name) else { return nil }
    guard entry.tensor.shape.count == 1 else {
      throw ModelFileError(.malformed, "\(entry.file.path): \(name) has the shape \(entry.tensor.shape), not that of a vector")
    }
    _ = try format(entry)
    return entry.file.floats(of: entry.tensor)
  }

  private func format(_ entry: Checkpoint.Entry) throws(ModelFileError) -> WeightFormat {
    switch entry.tensor.format {
    case .float32: return .f32
    case .float16: return .f16
    case .bfloat16: return .bf16
    case let other:
      throw ModelFileError(.unsupported, "\(entry.file.path): \(entry.tensor.name) is stored as \(other.rawValue); F32, F16 and BF16 are supported, save the model as one of them")
    }
  }
}
