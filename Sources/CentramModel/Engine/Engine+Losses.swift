internal import CModelKernels

extension Engine {
  /// Bytes of logits at once while losses are computed.
  private static let lossLogitBytes = 8 << 20

  /// How badly each token was foreseen: -log p(token | all before it), in nats. The session reads all tokens; logits are never
  /// held for more than a few rows.
  /// - Parameters:
  ///   - tokens: at least one.
  ///   - cache: empty for a text from its beginning, or a session that the text continues.
  /// - Returns: one for each token but the first, whose loss its predecessor's logits would tell.
  /// - Throws: as `step`.
  public func losses(_ tokens: [Int32], cache: KeyValueCache, adapters: [AppliedAdapter] = []) throws(ModelFileError) -> [Double] {
    try check([StepInput(tokens: tokens, cache: cache, adapters: adapters)])
    let vocabulary = size.vocabulary
    let slice = max(1, min(chunkSize, Self.lossLogitBytes / 4 / vocabulary))
    let buffer = logits.reserve(slice * vocabulary)
    var losses: [Double] = []
    losses.reserveCapacity(tokens.count - 1)
    var done = 0
    while done < tokens.count {
      let (taken, position) = (min(chunkSize, tokens.count - done), cache.count)
      begin(rows: taken)
      place(Span(cache: cache, position: position, row: 0, count: taken), adapters: adapters)
      for row in 0..<taken { embed(tokens[done + row], position: position + row, row: row) }
      // The last token foretells nothing that is asked.
      selected += 0..<(done + taken == tokens.count ? taken - 1 : taken)
      let left = forward(model.layers, rows: taken, keepingOnlySelected: true)
      for start in stride(from: 0, to: left, by: slice) {
        let rows = start..<min(start + slice, left)
        head(rows: rows, into: buffer)
        for row in rows {
          let values = buffer + (row - start) * vocabulary
          losses.append(Double(mk_log_sum_exp(values, vocabulary)) - Double(values[Int(tokens[done + row + 1])]))
        }
      }
      done += taken
    }
    return losses
  }
}
