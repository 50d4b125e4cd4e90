extension ModelConfiguration {
  /// The tensors that a model of this configuration has, with their shapes. Tied heads are left out.
  public var expectedShapes: [(name: String, shape: [Int])] {
    var list: [(String, [Int])] = [("\(family.embedding).weight", [vocabulary, hidden])]
    if let position = family.positionEmbedding { list.append(("\(position).weight", [contextLength, hidden])) }
    func norm(_ name: String) {
      list.append(("\(name).weight", [hidden]))
      if family.norm == .layer { list.append(("\(name).bias", [hidden])) }
    }
    for layer in 0..<layers {
      norm(family.attentionNorm(layer: layer))
      norm(family.feedForwardNorm(layer: layer))
      for linear in family.linears {
        guard let name = family.name(linear, layer: layer) else { continue }
        let (rows, columns) = shape(linear)
        list.append(("\(name).weight", [rows, columns]))
        // Llama's attention has either all four biases or none; Qwen2's output has none.
        let biased: [ModelFamily.Linear] = family == .qwen2 ? [.query, .key, .value] : [.query, .key, .value, .output]
        let isBiased = family.norm == .layer || (hasAttentionBias && biased.contains(linear))
        if isBiased { list.append(("\(name).bias", [rows])) }
      }
    }
    norm(family.finalNorm)
    if let head = family.head, !tiesEmbeddings { list.append(("\(head).weight", [vocabulary, hidden])) }
    return list
  }

  /// Weights and biases, a tied head counted once.
  public var parameterCount: Int { expectedShapes.reduce(0) { $0 + $1.shape.reduce(1, *) } }
}
