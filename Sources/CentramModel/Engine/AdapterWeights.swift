internal import Foundation

/// A LoRA adapter ready to run beside a model: y += scale · B (A x) for each module that it changes, in float32. The model's own
/// weights and bits stay. Any number of engines and sessions may use one at once. https://arxiv.org/abs/2106.09685
public final class AdapterWeights: @unchecked Sendable {
  /// The factors of one module; the rank is filled up with zeros, which change no bit, to whole lanes.
  struct Factors {
    let inputs: Int
    let outputs: Int
    let rank: Int
    /// `rank` rounded up to a multiple of 16.
    let paddedRank: Int
    /// paddedRank × inputs.
    let a: UnsafePointer<Float>
    /// outputs × paddedRank.
    let b: UnsafePointer<Float>
    let scale: Double
  }

  /// The folder, or what the caller named it.
  public let name: String
  /// Modules that it changes.
  public let moduleCount: Int
  /// Floats of a row of its widest module's inner and outer side.
  let maximumRank: Int
  let maximumOutputs: Int
  let model: LanguageModel
  private let factors: UnsafeMutableBufferPointer<Factors?>
  private let buffers: [FloatBuffer]

  /// - Throws: `.unsupported` for what runs only merged into the base (DoRA, embeddings, tensors saved whole), `.malformed`
  ///   for modules that the model lacks or whose factors do not fit it, and for NaN and infinity.
  public convenience init(_ adapter: Adapter, model: LanguageModel) throws(ModelFileError) {
    guard !adapter.configuration.usesMagnitudes else { throw Self.unsupported(adapter.name, "DoRA (use_dora)") }
    if let saved = adapter.savedTensors.keys.min() { throw Self.unsupported(adapter.name, "a tensor that replaces the base's, \(saved.prefix(200)),") }
    if let embedding = adapter.modules.first(where: { $0.kind == .embedding }) {
      throw Self.unsupported(adapter.name, "an adapted embedding, \(embedding.name.prefix(200)),")
    }
    var builder = Builder(name: adapter.name, model: model)
    for module in adapter.modules {
      guard let slot = try builder.slot(module.name, outputs: module.outputs, inputs: module.inputs) else { continue }
      let (a, b) = try adapter.factors(of: module)
      builder.add(slot, outputs: module.outputs, inputs: module.inputs, rank: module.rank, a: a, b: b, scale: module.scale)
    }
    self.init(builder)
  }

  /// An adapter that is in memory, such as one in training.
  /// - Throws: as the other.
  public convenience init(_ contents: AdapterContents, name: String, model: LanguageModel) throws(ModelFileError) {
    if let saved = contents.saved.first { throw Self.unsupported(name, "a tensor that replaces the base's, \(saved.name.prefix(200)),") }
    var builder = Builder(name: name, model: model)
    for module in contents.modules {
      guard module.kind == .linear else { throw Self.unsupported(name, "an adapted embedding, \(module.name.prefix(200)),") }
      guard let slot = try builder.slot(module.name, outputs: module.outputs, inputs: module.inputs) else { continue }
      builder.add(slot, outputs: module.outputs, inputs: module.inputs, rank: module.rank, a: module.a, b: module.b, scale: 1)
    }
    self.init(builder)
  }

  private init(_ builder: Builder) {
    (name, model, buffers) = (builder.name, builder.model, builder.buffers)
    factors = .allocate(capacity: builder.factors.count)
    _ = factors.initialize(from: builder.factors)
    let present = builder.factors.compactMap(\.self)
    moduleCount = present.count
    maximumRank = present.map(\.paddedRank).max() ?? 0
    maximumOutputs = present.map(\.outputs).max() ?? 0
  }

  deinit { factors.deallocate() }

  /// - Parameter layer: one that the model has bound.
  func factors(_ linear: ModelFamily.Linear, layer: Int) -> Factors? {
    factors[(layer - model.layers.lowerBound) * Builder.linears + linear.index]
  }

  private static func unsupported(_ name: String, _ feature: String) -> ModelFileError {
    ModelFileError(.unsupported, "\(name): \(feature) cannot run beside its base; merge the adapter into the base first, and run the result")
  }
}

extension ModelFamily.Linear {
  /// Its place in `allCases`.
  var index: Int {
    switch self {
    case .queryKeyValue: 0
    case .query: 1
    case .key: 2
    case .value: 3
    case .output: 4
    case .gate: 5
    case .up: 6
    case .down: 7
    }
  }
}
