/// A model and adapters, to be written as one model of another format. Adapters are folded into the base in float32, tensor by
/// tensor; nothing is held whole in memory.
public struct ModelExport: Sendable {
  /// An adapter and how much of it.
  public struct Side: Sendable {
    public let adapter: Adapter
    /// Times the adapter's own scale.
    public let weight: Double
    public init(_ adapter: Adapter, weight: Double = 1) { (self.adapter, self.weight) = (adapter, weight) }
  }

  public let model: ModelFiles
  public let sides: [Side]
  /// The tensors to write, in the order of use.
  let names: [(name: String, shape: [Int])]

  /// - Throws: `.malformed` where tensors are missing or adapters do not fit, `.unsupported` with the way out.
  public init(model: ModelFiles, adapters: [Side] = []) throws(ModelFileError) {
    (self.model, sides) = (model, adapters)
    let configuration = model.configuration, weights = model.weights
    var names: [(name: String, shape: [Int])] = []
    for (name, shape) in configuration.expectedShapes {
      guard let found = weights.shape(name) else { throw ModelFileError(.malformed, "\(model.path): the tensor \(name) is missing") }
      guard found == shape else { throw ModelFileError(.malformed, "\(model.path): \(name) has the shape \(found), but the configuration makes it \(shape)") }
      names.append((name, shape))
    }
    self.names = names
    let known = Dictionary(uniqueKeysWithValues: names.map { ($0.name, $0.shape) })
    for side in adapters { try Self.check(side, known, configuration) }
  }

  private static func check(_ side: Side, _ known: [String: [Int]], _ configuration: ModelConfiguration) throws(ModelFileError) {
    let adapter = side.adapter
    func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(adapter.name): \(message)") }
    func unsupported(_ message: String) -> ModelFileError { ModelFileError(.unsupported, "\(adapter.name): \(message)") }
    guard side.weight.isFinite else { throw malformed("its weight is \(side.weight)") }
    guard !adapter.configuration.isTransposed else { throw unsupported("fan_in_fan_out is for models that store matrices inputs × outputs; this one does not") }
    let tiedHead = configuration.tiesEmbeddings ? configuration.family.head : nil
    for module in adapter.modules {
      guard module.name != tiedHead else { throw unsupported("it changes \(module.name), which is the embedding in this model; an export would change both") }
      guard let shape = known["\(module.name).weight"], shape.count == 2 else { throw malformed("the model has no matrix \(module.name.prefix(200))") }
      let own = module.kind == .linear ? [module.outputs, module.inputs] : [module.inputs, module.outputs]
      guard own == shape else { throw malformed("\(module.name) is of shape \(own) in the adapter and \(shape) in the model") }
      guard module.magnitudeTensor == nil || (module.kind == .linear && side.weight == 1) else {
        throw unsupported("\(module.name) has DoRA's magnitudes, which are folded only into linear layers and with weight 1; its weight is \(side.weight)")
      }
    }
    for (name, tensor) in adapter.savedTensors.sorted(by: { $0.key < $1.key }) {
      guard let shape = known[name] else { throw malformed("it replaces \(name.prefix(200)), which the model does not have") }
      guard shape == tensor.shape else { throw unsupported("\(name) has the shape \(tensor.shape) in the adapter and \(shape) in the model; exports keep the model's vocabulary") }
      guard side.weight == 1 else { throw unsupported("it replaces \(name) whole, which has no part of \(side.weight); use weight 1") }
      guard tensor.format.isFloatingPoint else { throw unsupported("\(name) is stored as \(tensor.format.rawValue)") }
    }
  }

  /// Whether any adapter changes a tensor.
  func isChanged(_ name: String) -> Bool { sides.contains { $0.adapter.savedTensors[name] != nil || $0.adapter.module(forTensor: name) != nil } }

  /// The values that a tensor will have.
  func folded(_ name: String, shape: [Int]) throws(ModelFileError) -> FoldedTensor {
    var base: FoldedTensor.Base?
    var changes: [FoldedTensor.Change] = []
    for side in sides {
      if let saved = side.adapter.savedTensors[name] {
        let floats = side.adapter.file.floats(of: saved)
        guard floats.allSatisfy(\.isFinite) else { throw ModelFileError(.malformed, "\(side.adapter.name): \(name) holds NaN or infinity") }
        // Takes the place of the base and of what was added to it before.
        (base, changes) = (.values(floats), [])
      }
      if let module = side.adapter.module(forTensor: name), module.rank > 0 { changes.append(try Self.change(module, side)) }
    }
    if base == nil {
      if shape.count == 2 {
        base = try model.weights.matrix(name).map { .matrix($0) }
      } else {
        base = try model.weights.vector(name).map { .values($0) }
      }
    }
    guard let base else { throw ModelFileError(.malformed, "\(model.path): the tensor \(name) is missing") }
    return FoldedTensor(name: name, shape: shape, base: base, changes: changes)
  }

  private static func change(_ module: AdapterModule, _ side: Side) throws(ModelFileError) -> FoldedTensor.Change {
    let (a, b) = try side.adapter.factors(of: module)
    let scale = Float(module.scale * side.weight), magnitudes = try side.adapter.magnitudes(of: module)
    guard module.kind == .embedding else {
      return FoldedTensor.Change(rank: module.rank, scale: scale, coefficients: b, directions: a, magnitudes: magnitudes)
    }
    return FoldedTensor.Change(
      rank: module.rank, scale: scale, coefficients: transposed(a, rows: module.rank, columns: module.inputs),
      directions: transposed(b, rows: module.outputs, columns: module.rank), magnitudes: nil)
  }

  private static func transposed(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: matrix.count) { target, count in
      for row in 0..<rows { for column in 0..<columns { target[column * rows + row] = matrix[row * columns + column] } }
      count = matrix.count
    }
  }
}

/// Watches an export.
public struct ExportObserver: Sendable {
  /// Weights written, and all there are.
  public var progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  public var isCancelled: @Sendable () -> Bool = { false }
  public init() {}
}

/// What an export wrote.
public struct ExportReport: Sendable, Equatable, Codable {
  public var path: String
  /// Of the weights' files.
  public var bytes = 0
  public var tensors = 0
  /// Tensors that adapters changed.
  public var changed = 0
  /// Tensors by format.
  public var formats: [String: Int] = [:]
  /// What could not be carried over, and why.
  public var notes: [String] = []
}
