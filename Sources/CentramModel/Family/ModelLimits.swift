/// What a configuration may say; far beyond any model of these families, and small enough that no product overflows.
enum ModelLimits {
  static let layers = 1...4096
  static let hidden = 1...(1 << 20)
  static let intermediate = 1...(1 << 22)
  static let heads = 1...4096
  static let headSize = 1...4096
  static let vocabulary = 1...(1 << 24)
  static let contextLength = 1...(1 << 28)
  static let theta = 1.0...1e15
  static let ropeFactor = 1.0...1e6
  static let normEpsilon = 0.0...0.1
  static let endTokens = 64
}

extension ModelConfiguration {
  /// What no single number shows.
  /// - Parameter file: for messages.
  func check(_ file: String) throws(ModelFileError) {
    func malformed(_ message: String) -> ModelFileError { ModelFileError(.malformed, "\(file): \(message)") }
    guard keyValueHeads <= heads, heads % keyValueHeads == 0 else {
      throw malformed("\(heads) attention heads cannot share \(keyValueHeads) key-value heads")
    }
    guard rope == nil || headSize % 2 == 0 else { throw malformed("heads of \(headSize) cannot be rotated; the size must be even") }
  }

  /// The tensors that a model of this configuration has, with their shapes. Tied heads are left out.
  public var expectedShapes: [(name: String, shape: [Int])] {
    var list: [(String, [Int])] = [("\(family.embedding).weight", [vocabulary, hidden])]
    if let position = family.positionEmbedding { list.append(("\(position).weight", [contextLength, hidden])) }
    let queries = heads * headSize, keys = keyValueHeads * headSize
    func norm(_ name: String) {
      list.append(("\(name).weight", [hidden]))
      if family.norm == .layer { list.append(("\(name).bias", [hidden])) }
    }
    for layer in 0..<layers {
      norm(family.attentionNorm(layer: layer))
      norm(family.feedForwardNorm(layer: layer))
      for linear in family.linears {
        guard let name = family.name(linear, layer: layer) else { continue }
        let (rows, columns) =
          switch linear {
          case .queryKeyValue: (queries + 2 * keys, hidden)
          case .query: (queries, hidden)
          case .key, .value: (keys, hidden)
          case .output: (hidden, queries)
          case .gate, .up: (intermediate, hidden)
          case .down: (hidden, intermediate)
          }
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
