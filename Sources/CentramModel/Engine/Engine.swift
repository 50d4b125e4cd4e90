internal import CModelKernels

/// Runs a model: takes the next tokens of several sessions at once, and gives logits. Results do not depend on what else is in
/// a step, on chunks or on threads. An engine is used by one thread at a time; any number of engines may share a model.
public final class Engine {
  /// Sessions of a step.
  public static let maximumBatch = 1024
  public static let maximumThreads = 256
  /// Of one step's logits.
  static let maximumLogitBytes = 1 << 32

  public let model: LanguageModel
  public let profile: NumericProfile
  public let threads: Int
  /// Rows that go through the model at once; longer prompts take several turns, so that memory is bounded.
  public let chunkSize: Int

  let pool: OpaquePointer
  let size: Dimensions
  let scratch: Scratch
  let rotary: RotaryTable?
  /// What the chunk under way is made of.
  var spans: [Span] = []
  var adapted: [AdaptedRows] = []
  /// Rows of the chunk whose logits are asked for, ascending.
  var selected: [Int] = []
  var logits = GrowingBuffer()
  var sidePath = GrowingBuffer()

  /// What a step reads of the configuration, plain numbers.
  struct Dimensions {
    let hidden, intermediate, heads, keyValueHeads, headSize, queryWidth, keyValueWidth, vocabulary, context: Int
    /// Of queries, keys and values side by side.
    let projectedWidth: Int
    let norm: ModelFamily.Norm
    let normEpsilon: Float

    init(_ configuration: ModelConfiguration) {
      (hidden, intermediate, vocabulary) = (configuration.hidden, configuration.intermediate, configuration.vocabulary)
      (heads, keyValueHeads, headSize) = (configuration.heads, configuration.keyValueHeads, configuration.headSize)
      (queryWidth, keyValueWidth, context) = (configuration.queryWidth, configuration.keyValueWidth, configuration.usableContext)
      projectedWidth = queryWidth + 2 * keyValueWidth
      (norm, normEpsilon) = (configuration.family.norm, configuration.normEpsilon)
    }
  }

  /// Rows of one session that lie together in a chunk.
  struct Span {
    let cache: KeyValueCache
    /// Of its first row, in the session.
    let position: Int
    /// Its first row in the chunk.
    let row: Int
    let count: Int
  }

  /// Rows of a chunk that have the same adapters.
  struct AdaptedRows {
    let adapters: [AppliedAdapter]
    var rows: Range<Int>
  }

  /// - Parameters:
  ///   - threads: the caller's included; with 1 no other thread is ever used.
  ///   - chunkSize: rows at once, 1 to 65,536.
  /// - Throws: `.limit` for threads or chunks beyond the limits.
  public init(model: LanguageModel, threads: Int = 1, profile: NumericProfile = .exact, chunkSize: Int = 512) throws(ModelFileError) {
    guard (1...Self.maximumThreads).contains(threads) else {
      throw ModelFileError(.limit, "an engine with \(threads) threads; 1 to \(Self.maximumThreads) are possible")
    }
    guard (1...65_536).contains(chunkSize) else { throw ModelFileError(.limit, "chunks of \(chunkSize) rows; 1 to 65,536 are possible") }
    // A pool of one thread calls without ever meeting another, and keeps the kernels' scratch memory.
    guard let pool = mk_pool_create(Int32(threads)) else { throw ModelFileError(.limit, "\(threads) threads cannot be started here; ask for fewer") }
    (self.model, self.threads, self.profile, self.chunkSize, self.pool) = (model, threads, profile, chunkSize, pool)
    size = Dimensions(model.configuration)
    scratch = Scratch(model.configuration, profile: profile)
    rotary = model.configuration.rope.map { RotaryTable(RotaryFrequencies($0, headSize: model.configuration.headSize)) }
  }

  deinit { mk_pool_destroy(pool) }

  /// Reads the next tokens of each session, and appends their keys and values to its cache.
  /// - Returns: the logits that were asked for, input after input, valid until the engine is used again.
  /// - Throws: `.limit` beyond a context, a cache or a batch, `.invalid` for what does not fit the model; nothing has
  ///   changed then.
  public func step(_ inputs: [StepInput]) throws(ModelFileError) -> Logits {
    try check(inputs)
    var starts = [0]
    starts.reserveCapacity(inputs.count + 1)
    for input in inputs {
      let count = input.logits == .none ? 0 : input.logits == .last ? 1 : input.tokens.count
      starts.append(starts[starts.count - 1] + count)
    }
    let (vocabulary, count) = (size.vocabulary, starts[inputs.count])
    try check(logitRows: count)
    let base = logits.reserve(count * vocabulary)
    var next = base
    var (index, offset, remaining) = (0, 0, inputs.reduce(0) { $0 + $1.tokens.count })
    while index < inputs.count {
      begin(rows: min(chunkSize, remaining))
      var rows = 0
      while index < inputs.count, rows < chunkSize {
        let input = inputs[index]
        let taken = min(input.tokens.count - offset, chunkSize - rows)
        let position = input.cache.count
        place(Span(cache: input.cache, position: position, row: rows, count: taken), adapters: input.adapters)
        for row in 0..<taken { embed(input.tokens[offset + row], position: position + row, row: rows + row) }
        offset += taken
        switch input.logits {
        case .none: break
        case .all: selected += rows..<rows + taken
        case .last: if offset == input.tokens.count { selected.append(rows + taken - 1) }
        }
        rows += taken
        if offset == input.tokens.count { (index, offset) = (index + 1, 0) }
      }
      remaining -= rows
      let left = forward(model.layers, rows: rows, keepingOnlySelected: true)
      head(rows: 0..<left, into: next)
      next += left * vocabulary
    }
    return Logits(vocabulary: vocabulary, count: count, starts: starts, base: base)
  }
}
