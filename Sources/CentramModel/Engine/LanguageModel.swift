/// A model ready to run: its configuration, and its weights checked against it. Weights stay where the source has them, mapped.
/// Any number of engines may use one model at once.
public final class LanguageModel: @unchecked Sendable {
  public let configuration: ModelConfiguration
  /// Where the weights are, for messages.
  public let path: String
  /// The blocks that are bound: all, or one machine's share.
  public let layers: Range<Int>
  /// vocabulary × hidden; nil where this share does not begin the model.
  public let embedding: LinearWeights?
  /// context × hidden; nil where positions are rotary, and where this share does not begin the model.
  public let positionEmbedding: LinearWeights?
  /// Nil, like `head`, where this share does not end the model.
  public let finalNorm: NormWeights?
  /// vocabulary × hidden.
  public let head: LinearWeights?
  private let blocks: UnsafeMutableBufferPointer<LayerWeights>
  private let owners: [AnyObject]

  /// Binds a model, or the share of one that a machine runs.
  /// - Parameter layers: the blocks to bind, nil for all. The embedding is bound with the first block, the head with the last.
  /// - Throws: `.malformed` for a tensor that is missing or has the wrong shape and for a configuration that contradicts
  ///   itself, `.unsupported` for one beyond a limit or a format that cannot be computed with.
  public init(configuration: ModelConfiguration, weights: any WeightSource, layers: Range<Int>? = nil) throws(ModelFileError) {
    try configuration.check(path: weights.path)
    let range = layers ?? 0..<configuration.layers
    guard range.lowerBound >= 0, range.upperBound <= configuration.layers, !range.isEmpty else {
      throw ModelFileError(.invalid, "\(weights.path): there are no layers \(range) in a model of \(configuration.layers)")
    }
    var binder = WeightBinder(configuration: configuration, source: weights)
    (embedding, positionEmbedding) = range.lowerBound == 0 ? (try binder.embedding(), try binder.positionEmbedding()) : (nil, nil)
    var bound: [LayerWeights] = []
    for layer in range { bound.append(try binder.layer(layer)) }
    if range.upperBound == configuration.layers {
      (finalNorm, head) = (try binder.norm(configuration.family.finalNorm), try binder.head(embedding))
    } else {
      (finalNorm, head) = (nil, nil)
    }
    blocks = .allocate(capacity: bound.count)
    _ = blocks.initialize(from: bound)
    (self.configuration, path, self.layers, owners) = (configuration, weights.path, range, binder.owners)
  }

  deinit { blocks.deallocate() }

  /// - Parameter layer: in `layers`.
  public subscript(layer: Int) -> LayerWeights {
    precondition(layers.contains(layer), "layer \(layer) is not among the bound ones, \(layers)")
    return blocks[layer - layers.lowerBound]
  }

  public var isWhole: Bool { layers == 0..<configuration.layers }
}
