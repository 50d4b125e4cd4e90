public import CentramModel
internal import CentramNumerics

/// A tensor of a base checkpoint with an adapter's change in it, W + s·B·A, worked out block by block: the adapter is never
/// merged into a checkpoint of its own. With DoRA each output's weights are scaled to the trained length.
///
/// The arithmetic is float32 in a fixed order, so an element has the same bits whatever the blocks; the result is
/// not rounded to the base's format.
public final class AdaptedSource: TensorSource {
  public var count: Int { rows * columns }
  private let base: any TensorSource
  private let rows: Int
  private let columns: Int
  private let rank: Int
  private let scale: Float
  /// rows × rank.
  private let left: [Float]
  /// rank × columns.
  private let right: [Float]
  /// Of each output, which is a row, or a column where the weight is stored transposed.
  private let lengths: OutputLengths?

  /// The base's tensor as `adapter` leaves it: changed, replaced by one that was trained whole, or itself.
  /// - Parameters:
  ///   - tensor: the name in the base's checkpoint.
  ///   - base: the base's tensor.
  /// - Throws: `.mismatch` where the adapter does not fit the base, `.input` where its factors are not finite.
  public static func source(of tensor: String, shape: [Int], base: any TensorSource, adapter: Adapter) throws(MergeError) -> any TensorSource {
    var base = base
    if let saved = adapter.savedTensors[tensor] {
      guard saved.shape == shape, saved.format.isFloatingPoint else {
        throw MergeError(
          .mismatch, "\(tensor) has the shape \(shape) in the base; \(adapter.name) has \(saved.format.rawValue) of shape \(saved.shape) in its place")
      }
      base = MappedSource(saved, of: adapter.file)
    }
    guard let module = adapter.module(forTensor: tensor) else { return base }
    return try AdaptedSource(base, shape: shape, module: module, of: adapter)
  }

  /// - Parameter shape: of the base's tensor, outputs × inputs or, stored transposed, inputs × outputs.
  public init(_ base: any TensorSource, shape: [Int], module: AdapterModule, of adapter: Adapter) throws(MergeError) {
    let mayBeTransposed = module.kind == .embedding || adapter.configuration.isTransposed
    let isTransposed = mayBeTransposed && shape == [module.inputs, module.outputs]
    guard isTransposed || (module.kind == .linear && shape == [module.outputs, module.inputs]), base.count == module.inputs * module.outputs else {
      throw MergeError(
        .mismatch, "\(module.name) has the shape \(shape) in the base; \(adapter.name) changes \(module.outputs) outputs of \(module.inputs) inputs")
    }
    let (a, b): ([Float], [Float])
    let magnitudes: [Float]?
    do throws(ModelFileError) {
      (a, b) = try adapter.factors(of: module)
      magnitudes = try adapter.magnitudes(of: module)
    } catch {
      throw MergeError(.input, error.message)
    }
    (self.base, rank, scale) = (base, module.rank, Float(module.scale))
    (rows, columns) = isTransposed ? (module.inputs, module.outputs) : (module.outputs, module.inputs)
    left = isTransposed ? Self.transposed(a, rows: module.rank, columns: module.inputs) : b
    right = isTransposed ? Self.transposed(b, rows: module.outputs, columns: module.rank) : a
    lengths = magnitudes.map { OutputLengths(wanted: $0, isColumn: isTransposed) }
  }

  public func read(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    readSum(offset: offset, count: count, into: floats)
    lengths?.scale(floats, offset: offset, count: count, columns: columns) { [self] body in
      eachRow { row, values in body(row, values) }
    }
  }

  /// W + s·B·A, without DoRA's scaling.
  private func readSum(offset: Int, count: Int, into floats: UnsafeMutablePointer<Float>) {
    base.read(offset: offset, count: count, into: floats)
    guard rank > 0 else { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: min(count, columns)) { change in
      var done = 0
      while done < count {
        let row = (offset + done) / columns, column = (offset + done) % columns
        let length = min(count - done, columns - column)
        addChange(row: row, column: column, count: length, scratch: change.baseAddress!, to: floats + done)
        done += length
      }
    }
  }

  /// Adds s·Σₖ left[row, k] · right[k, column...]: the sum first, then the scale, as PEFT does.
  private func addChange(row: Int, column: Int, count: Int, scratch: UnsafeMutablePointer<Float>, to floats: UnsafeMutablePointer<Float>) {
    left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        let factors = left.baseAddress! + row * rank, start = right.baseAddress! + column
        Kernels.scale(factors[0], start, into: scratch, count: count)
        for k in 1..<max(1, rank) { Kernels.addScaled(factors[k], start + k * columns, to: scratch, count: count) }
      }
    }
    Kernels.addScaled(scale, scratch, to: floats, count: count)
  }

  /// Reads the whole sum once, a row at a time.
  private func eachRow(_ body: (_ row: Int, _ values: UnsafePointer<Float>) -> Void) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, columns)) { buffer in
      for row in 0..<rows {
        readSum(offset: row * columns, count: columns, into: buffer.baseAddress!)
        body(row, UnsafePointer(buffer.baseAddress!))
      }
    }
  }

  private static func transposed(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
    var result = [Float](repeating: 0, count: matrix.count)
    for row in 0..<rows {
      for column in 0..<columns { result[column * rows + row] = matrix[row * columns + column] }
    }
    return result
  }
}

extension Adapter {
  /// The adapter's modules that change none of the checkpoint's tensors: then adapter and base do not belong together.
  public func modulesWithoutTensor(among tensors: some Sequence<String>) -> [String] {
    let found = Set(tensors.compactMap { module(forTensor: $0)?.name })
    return modules.map(\.name).filter { !found.contains($0) }
  }

  /// The tensors trained or saved whole that take no tensor's place in the checkpoint, such as the output layer of a base
  /// whose embeddings are its output layer.
  public func savedTensors(notAmong tensors: some Sequence<String>) -> [String] {
    let names = Set(tensors)
    return savedTensors.keys.filter { !names.contains($0) }.sorted()
  }
}
