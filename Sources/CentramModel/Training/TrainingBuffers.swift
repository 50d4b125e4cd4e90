/// A worker's memory, for batches up to a number of rows.
final class TrainingBuffers {
  let rows: Int
  private let model: TrainingModel
  /// Whether there is room for a backward pass.
  let keeps: Bool
  /// The input of each block, and the last one's output, rows × hidden each. Without a backward pass two take turns.
  private let streams: [FloatBuffer]
  private let shared: FloatBuffer
  private let kept: [Int: LayerActivations]
  /// The block whose activations `shared` holds.
  var sharedBlock = -1
  let finalNormed: FloatBuffer
  let finalStatistics: FloatBuffer
  /// Rows that count, one after the other: hidden states, and their gradients in place; targets, scales and losses.
  let counted: FloatBuffer
  let countedGradient: FloatBuffer
  var countedRows: [Int] = []
  var countedTargets: [Int32] = []
  var countedScales: [Float] = []
  var countedLosses: [Double] = []
  let logits: FloatBuffer
  let logitRows: Int
  /// Gradients: of the residual stream, of a norm's or of attention's output, of projections, of the feed-forward part.
  let stream: FloatBuffer
  let normed: FloatBuffer
  let projected: FloatBuffer
  let expanded: FloatBuffer
  let activated: FloatBuffer
  /// Two of rows × the largest rank, and two of rows × the widest input where inputs are dropped.
  let reduced: FloatBuffer
  let dropped: FloatBuffer

  /// Floats of logits at a time: 32 MB.
  static let logitFloats = 8 << 20

  init(_ model: TrainingModel, rows: Int, keeps: Bool, activationBudget: Int) {
    let configuration = model.configuration
    let (hidden, blocks) = (configuration.hidden, model.blocks)
    let backward = keeps ? rows : 0
    (self.rows, self.keeps) = (rows, keeps)
    streams = (0..<(keeps ? blocks.count + 1 : 2)).map { _ in FloatBuffer(count: rows * hidden) }
    self.model = model
    shared = FloatBuffer(count: rows * (blocks.map { LayerActivations.floatsPerRow(configuration, $0) }.max() ?? 0))
    var (kept, left): ([Int: LayerActivations], Int) = ([:], activationBudget)
    for block in blocks.indices.reversed() where keeps && block >= model.firstTrainedBlock {
      let floats = rows * LayerActivations.floatsPerRow(configuration, blocks[block])
      guard 4 * floats <= left else { break }
      left -= 4 * floats
      kept[block] = LayerActivations(configuration, blocks[block], rows: rows, memory: FloatBuffer(count: floats))
    }
    self.kept = kept
    finalNormed = FloatBuffer(count: rows * hidden)
    finalStatistics = FloatBuffer(count: rows * 2)
    counted = FloatBuffer(count: rows * hidden)
    countedGradient = FloatBuffer(count: backward * hidden)
    logitRows = min(rows, max(16, Self.logitFloats / configuration.vocabulary))
    logits = FloatBuffer(count: logitRows * configuration.vocabulary)
    stream = FloatBuffer(count: backward * hidden)
    normed = FloatBuffer(count: backward * max(hidden, configuration.queryWidth))
    projected = FloatBuffer(count: backward * configuration.projectedWidth)
    expanded = FloatBuffer(count: backward * configuration.expandedWidth)
    activated = FloatBuffer(count: backward * configuration.intermediate)
    let factors = blocks.flatMap { block in block.linears.filter { $0.factors != nil } }
    let rank = factors.compactMap { $0.factors?.rank }.max() ?? 0
    let width = factors.filter { $0.factors?.dropout != nil }.map(\.inputs).max() ?? 0
    reduced = FloatBuffer(count: 2 * rows * rank)
    dropped = FloatBuffer(count: rows * width)
  }

  func stream(_ block: Int) -> UnsafeMutablePointer<Float> { streams[keeps ? block : block & 1].base }

  func activations(_ block: Int) -> LayerActivations { kept[block] ?? LayerActivations(model.configuration, model.blocks[block], rows: rows, memory: shared) }
  /// Whether the forward pass's activations of a block are still there.
  func holds(_ block: Int) -> Bool { kept[block] != nil || sharedBlock == block }
  func wrote(_ block: Int) { if kept[block] == nil { sharedBlock = block } }
}
