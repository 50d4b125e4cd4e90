/// What a model's weights are stored as.
public struct FormatSummary: Sendable, Equatable {
  public struct Part: Sendable, Equatable {
    /// As the file calls it: `Q4_K`, `BF16`.
    public let format: String
    public let tensors: Int
    public let parameters: Int
    public let bytes: Int
  }

  /// The largest first.
  public let parts: [Part]
  public var tensors: Int { parts.reduce(0) { $0 + $1.tensors } }
  /// Weights and biases in the files; a tied head is stored once.
  public var parameters: Int { parts.reduce(0) { $0 + $1.parameters } }
  public var bytes: Int { parts.reduce(0) { $0 + $1.bytes } }

  init(_ tensors: some Sequence<(format: String, parameters: Int, bytes: Int)>) {
    var sums: [String: (tensors: Int, parameters: Int, bytes: Int)] = [:]
    for tensor in tensors {
      let sum = sums[tensor.format] ?? (0, 0, 0)
      sums[tensor.format] = (sum.tensors + 1, sum.parameters + tensor.parameters, sum.bytes + tensor.bytes)
    }
    parts = sums.map { Part(format: $0.key, tensors: $0.value.tensors, parameters: $0.value.parameters, bytes: $0.value.bytes) }
      .sorted { ($1.bytes, $0.format) < ($0.bytes, $1.format) }
  }
}

extension ModelFiles {
  public var formatSummary: FormatSummary {
    if let gguf { return FormatSummary(gguf.tensors.lazy.map { ($0.type.name, $0.count, $0.range.count) }) }
    let tensors = checkpoint.map { $0.files.flatMap(\.tensors) } ?? []
    return FormatSummary(tensors.lazy.map { ($0.format.rawValue, $0.count, $0.range.count) })
  }
}
