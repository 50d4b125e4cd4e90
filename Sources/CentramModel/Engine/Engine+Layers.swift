/// Rows of the residual stream between two blocks, as one machine hands them to the next.
public struct HiddenStates: Sendable, Equatable {
  /// Floats of a row: the model's hidden size.
  public let width: Int
  /// Row after row; a whole number of them.
  public private(set) var values: [Float]
  public var rows: Int { values.count / width }

  /// - Parameter values: a whole number of rows.
  public init(width: Int, values: [Float]) {
    precondition(width > 0 && values.count % width == 0, "\(values.count) values are no whole rows of \(width)")
    (self.width, self.values) = (width, values)
  }

  /// - Parameter other: of the same width.
  public mutating func append(_ other: HiddenStates) {
    precondition(width == other.width, "rows of \(other.width) do not fit to rows of \(width)")
    values += other.values
  }

  mutating func withRows<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result { values.withUnsafeMutableBufferPointer { body($0.baseAddress!) } }
}

/// How many of the rows of hidden states belong to a session.
public struct LayerInput {
  public var rows: Int
  public var cache: KeyValueCache
  public var adapters: [AppliedAdapter]
  public init(rows: Int, cache: KeyValueCache, adapters: [AppliedAdapter] = []) { (self.rows, self.cache, self.adapters) = (rows, cache, adapters) }
}

/// A model in parts. `embed`, `run` over ranges of blocks and `head` give the bits of `step`, wherever the parts run.
extension Engine {
  /// The embeddings of a session's tokens.
  /// - Parameter position: of the first, in the session.
  /// - Throws: `.invalid` where this share of the model has no embedding, and for tokens outside the vocabulary; `.limit`
  ///   beyond the context.
  public func embed(_ tokens: [Int32], at position: Int) throws(ModelFileError) -> HiddenStates {
    guard model.embedding != nil else { throw ModelFileError(.invalid, "\(model.path): the layers \(model.layers) come without the embedding") }
    try check(tokens: tokens)
    guard position >= 0, position <= size.context, tokens.count <= size.context - position else {
      throw ModelFileError(.limit, "\(tokens.count) tokens from position \(position) on exceed the model's context of \(size.context)")
    }
    let width = size.hidden
    var hidden = HiddenStates(width: width, values: Array(repeating: 0, count: tokens.count * width))
    guard !tokens.isEmpty else { return hidden }
    scratch.reserve(rows: 1, limit: chunkSize)
    hidden.withRows { rows in
      for (row, token) in tokens.enumerated() {
        embed(token, position: position + row, row: 0)
        (rows + row * width).update(from: scratch.residual, count: width)
      }
    }
    return hidden
  }

  /// Runs hidden states through some of the bound blocks, and appends to the sessions' caches in those.
  /// - Parameters:
  ///   - inputs: whose rows they are, in order; together all rows of `hidden`.
  ///   - hidden: before the first of `layers`, then after the last.
  /// - Throws: `.invalid` for layers that are not here and rows that do not add up, `.limit` beyond a context, a cache or a batch;
  ///   nothing has changed then.
  public func run(_ layers: Range<Int>, _ inputs: [LayerInput], _ hidden: inout HiddenStates) throws(ModelFileError) {
    try check(layers, inputs, hidden)
    let width = hidden.width
    var (index, offset, done) = (0, 0, 0)
    while index < inputs.count {
      begin(rows: min(chunkSize, hidden.rows - done))
      var rows = 0
      while index < inputs.count, rows < chunkSize {
        let input = inputs[index]
        let taken = min(input.rows - offset, chunkSize - rows)
        place(Span(cache: input.cache, position: input.cache.length(layers.lowerBound), row: rows, count: taken), adapters: input.adapters)
        rows += taken
        offset += taken
        if offset == input.rows { (index, offset) = (index + 1, 0) }
      }
      hidden.withRows { values in
        scratch.residual.update(from: values + done * width, count: rows * width)
        _ = forward(layers, rows: rows, keepingOnlySelected: false)
        (values + done * width).update(from: scratch.residual, count: rows * width)
      }
      done += rows
    }
  }

  /// Logits of hidden states after the last block.
  /// - Parameter rows: which of them, nil for all.
  /// - Returns: one input's rows, valid until the engine is used again.
  /// - Throws: `.invalid` where this share of the model has no head, `.limit` for too many rows.
  public func head(_ hidden: HiddenStates, rows: Range<Int>? = nil) throws(ModelFileError) -> Logits {
    let rows = rows ?? 0..<hidden.rows
    let (width, vocabulary) = (size.hidden, size.vocabulary)
    guard model.head != nil else { throw ModelFileError(.invalid, "\(model.path): the layers \(model.layers) come without the head") }
    guard hidden.width == width, rows.lowerBound >= 0, rows.upperBound <= hidden.rows else {
      throw ModelFileError(.invalid, "rows \(rows) of \(hidden.rows) hidden states of width \(hidden.width) for a model of width \(width)")
    }
    try check(logitRows: rows.count)
    let base = logits.reserve(rows.count * vocabulary)
    var done = rows.lowerBound
    while done < rows.upperBound {
      let taken = min(chunkSize, rows.upperBound - done)
      scratch.reserve(rows: taken, limit: chunkSize)
      hidden.values.withUnsafeBufferPointer { scratch.residual.update(from: $0.baseAddress! + done * width, count: taken * width) }
      head(rows: 0..<taken, into: base + (done - rows.lowerBound) * vocabulary)
      done += taken
    }
    return Logits(vocabulary: vocabulary, count: rows.count, starts: [0, rows.count], base: base)
  }
}
