internal import CentramModel

/// A base model's weights with full deltas added in float32.
final class DeltaWeights: WeightSource, @unchecked Sendable {
  struct Part: Sendable {
    let file: SafetensorsFile
    let weight: Double
    /// Not nil: random values of the same norm, a tensor each, in the place of the file's.
    let seed: UInt64?
  }

  let path: String
  let tensorNames: [String]
  private let source: any WeightSource
  private var changed: [String: (shape: [Int], values: UnsafeMutableBufferPointer<Float>)] = [:]

  /// - Throws: `.malformed` for a tensor that the base lacks or that has another shape there, and for NaN and infinity.
  init(_ source: any WeightSource, parts: [Part]) throws(ModelFileError) {
    (self.source, path, tensorNames) = (source, source.path, source.tensorNames)
    for part in parts {
      for tensor in part.file.tensors {
        guard let shape = source.shape(tensor.name), shape == tensor.shape, tensor.format.isFloatingPoint else {
          throw ModelFileError(.malformed, "\(part.file.path): \(tensor.name.prefix(200)) of shape \(tensor.shape) is no floating-point tensor of the base \(path)")
        }
        var values = part.file.floats(of: tensor)
        guard values.allSatisfy(\.isFinite) else { throw ModelFileError(.malformed, "\(part.file.path): \(tensor.name) holds NaN or infinity") }
        if let seed = part.seed { values = Self.random(like: values, seed: seed, name: tensor.name) }
        let target = try buffer(tensor.name, shape)
        let weight = Float(part.weight)
        for index in values.indices { target[index] += weight * values[index] }
      }
    }
  }

  deinit { for tensor in changed.values { tensor.values.deallocate() } }

  private func buffer(_ name: String, _ shape: [Int]) throws(ModelFileError) -> UnsafeMutableBufferPointer<Float> {
    if let known = changed[name] { return known.values }
    let floats = shape.count == 1 ? try source.vector(name) ?? [] : try source.matrix(name)?.floats() ?? []
    guard floats.count == shape.reduce(1, *) else { throw ModelFileError(.malformed, "\(path): \(name) has \(floats.count) values, not those of \(shape)") }
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, floats.count))
    _ = buffer.initialize(from: floats)
    changed[name] = (shape, buffer)
    return buffer
  }

  private static func random(like values: [Float], seed: UInt64, name: String) -> [Float] {
    func norm(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
    let drawn = InitialWeights.normal(values.count, seed: seed, name: name), length = norm(drawn)
    let factor = length > 0 ? Float(norm(values) / length) : 0
    return drawn.map { $0 * factor }
  }

  func shape(_ name: String) -> [Int]? { source.shape(name) }

  func matrix(_ name: String) throws(ModelFileError) -> WeightMatrix? {
    guard let tensor = changed[name], tensor.shape.count == 2 else { return try source.matrix(name) }
    return WeightMatrix(format: .f32, rows: tensor.shape[0], columns: tensor.shape[1], bytes: UnsafeRawPointer(tensor.values.baseAddress!), owner: self)
  }

  func vector(_ name: String) throws(ModelFileError) -> [Float]? {
    guard let tensor = changed[name], tensor.shape.count == 1 else { return try source.vector(name) }
    return Array(UnsafeBufferPointer(rebasing: tensor.values[0..<tensor.shape[0]]))
  }
}
