/// What a block's backward pass needs of its forward pass, for a number of rows.
struct LayerActivations {
  /// The attention norm's output, rows × hidden, and two statistics a row.
  let normed: UnsafeMutablePointer<Float>
  let statistics: UnsafeMutablePointer<Float>
  /// Queries, keys and values side by side, rotated.
  let projected: UnsafeMutablePointer<Float>
  /// Two a row and head.
  let attentionStatistics: UnsafeMutablePointer<Float>
  /// What attention found, rows × query width.
  let attended: UnsafeMutablePointer<Float>
  /// The residual stream after attention.
  let middle: UnsafeMutablePointer<Float>
  /// The feed-forward norm's output and statistics.
  let feedNormed: UnsafeMutablePointer<Float>
  let feedStatistics: UnsafeMutablePointer<Float>
  /// Gate and up side by side; or up alone, and after the activation its slope.
  let expanded: UnsafeMutablePointer<Float>
  /// After the activation, rows × intermediate.
  let activated: UnsafeMutablePointer<Float>
  /// scale · x · Aᵀ of each factor, in the order of the block's linears; nil where a linear has none.
  let reduced: [UnsafeMutablePointer<Float>?]
  private let memory: FloatBuffer

  /// - Parameters:
  ///   - rows: of the batch.
  ///   - memory: room for `floatsPerRow` of each.
  init(_ configuration: ModelConfiguration, _ block: TrainingBlock, rows: Int, memory: FloatBuffer) {
    var next = memory.base
    func take(_ width: Int) -> UnsafeMutablePointer<Float> {
      defer { next += rows * width }
      return next
    }
    let (hidden, heads) = (configuration.hidden, configuration.heads)
    normed = take(hidden)
    projected = take(configuration.projectedWidth)
    attended = take(configuration.queryWidth)
    middle = take(hidden)
    feedNormed = take(hidden)
    expanded = take(configuration.expandedWidth)
    activated = take(configuration.intermediate)
    statistics = take(2)
    feedStatistics = take(2)
    attentionStatistics = take(2 * heads)
    reduced = block.linears.map { linear in linear.factors.map { take($0.rank) } }
    self.memory = memory
  }

  static func floatsPerRow(_ configuration: ModelConfiguration, _ block: TrainingBlock) -> Int {
    let ranks = block.linears.reduce(0) { $0 + ($1.factors?.rank ?? 0) }
    return 3 * configuration.hidden + configuration.projectedWidth + configuration.queryWidth + configuration.expandedWidth + configuration.intermediate + 4
      + 2 * configuration.heads + ranks
  }
}

extension ModelConfiguration {
  /// Query, key and value of a row.
  var projectedWidth: Int { queryWidth + 2 * keyValueWidth }
  /// Gate and up of a row, or up alone.
  var expandedWidth: Int { family.feedForward == .gated ? 2 * intermediate : intermediate }
}
