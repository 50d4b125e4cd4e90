extension Engine {
  /// Everything that can be wrong with a step, before anything of it is done.
  func check(_ inputs: [StepInput]) throws(ModelFileError) {
    guard model.isWhole else {
      throw ModelFileError(.invalid, "\(model.path): only the layers \(model.layers) are here; use embed, run and head")
    }
    guard !inputs.isEmpty, inputs.count <= Self.maximumBatch else {
      throw ModelFileError(.limit, "a step of \(inputs.count) sessions; 1 to \(Self.maximumBatch) are possible")
    }
    for input in inputs {
      guard !input.tokens.isEmpty else { throw ModelFileError(.invalid, "a session without a next token; leave it out of the step") }
      try check(tokens: input.tokens)
      try check(input.cache, layers: model.layers, adding: input.tokens.count)
      try check(input.adapters)
    }
    if inputs.count > 1 { try checkDistinct(inputs.map(\.cache)) }
  }

  func check(tokens: [Int32]) throws(ModelFileError) {
    let vocabulary = size.vocabulary
    for token in tokens where token < 0 || Int(token) >= vocabulary {
      throw ModelFileError(.invalid, "the token \(token) is outside the model's vocabulary of \(vocabulary)")
    }
  }

  func check(_ cache: KeyValueCache, layers: Range<Int>, adding count: Int) throws(ModelFileError) {
    guard cache.width == size.keyValueWidth, cache.layers.lowerBound <= layers.lowerBound, cache.layers.upperBound >= layers.upperBound else {
      throw ModelFileError(
        .invalid,
        "a cache of the layers \(cache.layers) with \(cache.width) floats a position does not fit the layers \(layers) of \(model.path), which need \(size.keyValueWidth)"
      )
    }
    let length = cache.length(layers.lowerBound)
    for layer in layers where cache.length(layer) != length {
      throw ModelFileError(.invalid, "a session has \(length) positions in layer \(layers.lowerBound), but \(cache.length(layer)) in layer \(layer); truncate it first")
    }
    let capacity = min(cache.capacity, size.context)
    guard count <= capacity - length else {
      throw ModelFileError(
        .limit,
        "\(length) positions and \(count) more exceed the session's \(capacity) (the model's context is \(size.context)); shorten the text or start anew"
      )
    }
  }

  func check(_ adapters: [AppliedAdapter]) throws(ModelFileError) {
    for adapter in adapters {
      guard adapter.weights.model === model else {
        throw ModelFileError(.invalid, "the adapter \(adapter.weights.name) was made for another model than \(model.path)")
      }
      guard adapter.scale.isFinite else { throw ModelFileError(.invalid, "the adapter \(adapter.weights.name) has the scale \(adapter.scale)") }
    }
  }

  /// Everything that can be wrong with rows for some layers.
  func check(_ layers: Range<Int>, _ inputs: [LayerInput], _ hidden: HiddenStates) throws(ModelFileError) {
    guard !layers.isEmpty, model.layers.contains(layers.lowerBound), model.layers.contains(layers.upperBound - 1) else {
      throw ModelFileError(.invalid, "the layers \(layers) are not among the layers \(model.layers) of \(model.path) that are here")
    }
    guard hidden.width == size.hidden else {
      throw ModelFileError(.invalid, "hidden states of width \(hidden.width) for a model of width \(size.hidden)")
    }
    guard !inputs.isEmpty, inputs.count <= Self.maximumBatch else {
      throw ModelFileError(.limit, "a step of \(inputs.count) sessions; 1 to \(Self.maximumBatch) are possible")
    }
    var rest = hidden.rows
    for input in inputs {
      guard input.rows >= 1, input.rows <= rest else {
        throw ModelFileError(.invalid, "a session with \(input.rows) rows, where \(rest) of \(hidden.rows) hidden states are left")
      }
      rest -= input.rows
      try check(input.cache, layers: layers, adding: input.rows)
      try check(input.adapters)
    }
    guard rest == 0 else { throw ModelFileError(.invalid, "\(rest) of \(hidden.rows) hidden states belong to no session") }
    if inputs.count > 1 { try checkDistinct(inputs.map(\.cache)) }
  }

  func check(logitRows count: Int) throws(ModelFileError) {
    let vocabulary = size.vocabulary
    guard count <= Self.maximumLogitBytes / MemoryLayout<Float>.stride / vocabulary else {
      throw ModelFileError(
        .limit, "\(count) rows of logits over \(vocabulary) tokens exceed \(Self.maximumLogitBytes >> 20) MiB; take smaller steps, or ask for losses")
    }
  }

  func checkDistinct(_ caches: [KeyValueCache]) throws(ModelFileError) {
    guard Set(caches.map(ObjectIdentifier.init)).count < caches.count else { return }
    throw ModelFileError(.invalid, "one session comes twice in a step; put its tokens together")
  }
}
