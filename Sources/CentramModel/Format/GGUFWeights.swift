internal import CModelKernels
internal import Synchronization

/// The tensors of a GGUF file under Hugging Face's names, with rows in Hugging Face's order. Matrices stay in the mapped file,
/// but for query and key of llama files, whose rows are put in order, in their own format, when somebody asks for them.
public final class GGUFWeights: WeightSource {
  public let file: GGUFFile
  private let model: ModelConfiguration
  private let tensors: [String: GGUFFile.Tensor]
  private let reordered = Mutex<[String: WeakCopy]>([:])

  /// - Throws: `.unsupported` for a tensor that the family does not have, or stored as nothing here computes with: a model
  ///   without it would be another one.
  public init(_ file: GGUFFile, configuration: ModelConfiguration) throws(ModelFileError) {
    let names = GGUFNames(family: configuration.family)
    var tensors: [String: GGUFFile.Tensor] = [:]
    for tensor in file.tensors where !Self.ignored.contains(tensor.name) {
      guard let name = names.huggingFace(tensor.name) else {
        throw ModelFileError(.unsupported, "\(file.path): the tensor \(tensor.name) is not known for the architecture \(configuration.family.name)")
      }
      guard tensor.type.weightFormat != nil else {
        let known = WeightFormat.allCases.map(\.name).joined(separator: ", ")
        throw ModelFileError(.unsupported, "\(file.path): \(tensor.name) is stored as \(tensor.type.name); supported are \(known)")
      }
      tensors[name] = tensor
    }
    (self.file, model, self.tensors) = (file, configuration, tensors)
  }

  /// Scaling of rotary positions, which is part of the configuration.
  private static let ignored: Set = ["rope_freqs.weight"]

  public var path: String { file.path }
  public var tensorNames: [String] { tensors.keys.sorted() }
  public func shape(_ name: String) -> [Int]? { tensors[name]?.shape }

  public func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix? {
    guard let tensor = tensors[name], let format = tensor.type.weightFormat else { return nil }
    guard tensor.shape.count == 2 else { throw ModelFileError(.malformed, "\(path): \(tensor.name) has the shape \(tensor.shape), not that of a matrix") }
    let (rows, columns) = (tensor.shape[0], tensor.shape[1])
    let bytes = file.bytes(of: tensor).baseAddress!
    guard try isPaired(tensor, rows: rows), let rowSize = format.rowSize(columns: columns) else {
      return WeightMatrix(format: format, rows: rows, columns: columns, bytes: bytes, owner: file)
    }
    let copy = reordered.withLock { copies in
      if let copy = copies[name]?.copy { return copy }
      let copy = OwnedBytes(count: rows * rowSize)
      for row in 0..<rows {
        let source = bytes + GGUFNames.pairedRow(row, headSize: model.headSize) * rowSize
        (copy.bytes + row * rowSize).copyMemory(from: source, byteCount: rowSize)
      }
      copies[name] = WeakCopy(copy: copy)
      return copy
    }
    return WeightMatrix(format: format, rows: rows, columns: columns, bytes: UnsafeRawPointer(copy.bytes), owner: copy)
  }

  public func vector(_ name: String) throws(ModelFileError) -> [Float]? {
    guard let tensor = tensors[name], let format = tensor.type.weightFormat else { return nil }
    guard tensor.shape.count == 1 else { throw ModelFileError(.malformed, "\(path): \(tensor.name) has the shape \(tensor.shape), not that of a vector") }
    let floats = [Float](unsafeUninitializedCapacity: tensor.count) { buffer, count in
      mk_dequantize(format.kernel, file.bytes(of: tensor).baseAddress!, buffer.baseAddress!, tensor.count)
      count = tensor.count
    }
    guard try isPaired(tensor, rows: tensor.count) else { return floats }
    return floats.indices.map { floats[GGUFNames.pairedRow($0, headSize: model.headSize)] }
  }

  private func isPaired(_ tensor: GGUFFile.Tensor, rows: Int) throws(ModelFileError) -> Bool {
    guard let heads = GGUFNames(family: model.family).pairedHeads(gguf: tensor.name, model) else { return false }
    guard rows == heads * model.headSize, model.headSize % 2 == 0 else {
      throw ModelFileError(.malformed, "\(path): \(tensor.name) has \(rows) rows, not \(heads) heads of \(model.headSize)")
    }
    return true
  }
}

/// Bytes that go with their last user.
final class OwnedBytes: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  let count: Int
  init(count: Int) { (bytes, self.count) = (.allocate(byteCount: max(1, count), alignment: 64), count) }
  deinit { bytes.deallocate() }
}

private struct WeakCopy {
  weak var copy: OwnedBytes?
}
