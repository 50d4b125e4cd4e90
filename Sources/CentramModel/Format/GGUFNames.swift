/// Hugging Face's names for the tensors of a GGUF file, and how rows of query and key lie.
///
/// The converter of llama.cpp keeps the rows of a llama head's query and key pairwise: row 2i + j of a head stands for row
/// j · (size / 2) + i of Hugging Face's, which rotates halves. Qwen2's rows lie as Hugging Face has them.
struct GGUFNames {
  let family: ModelFamily

  /// By layer: the module's name in GGUF and what it is.
  private static let linears: [(gguf: String, linear: ModelFamily.Linear)] = [
    ("attn_q", .query), ("attn_k", .key), ("attn_v", .value), ("attn_output", .output), ("ffn_gate", .gate), ("ffn_up", .up), ("ffn_down", .down),
  ]

  /// A tensor that has a place in the model; nil for any other.
  func huggingFace(_ name: String) -> String? {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let module = name[..<dot], part = name[dot...]
    guard part == ".weight" || part == ".bias", let translated = self.module(module) else { return nil }
    return translated + part
  }

  private func module(_ name: Substring) -> String? {
    switch name {
    case "token_embd": return family.embedding
    case "output_norm": return family.finalNorm
    case "output": return family.head
    default: break
    }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "blk", let layer = Int(parts[1]), layer >= 0, String(layer) == parts[1] else { return nil }
    if parts[2] == "attn_norm" { return family.attentionNorm(layer: layer) }
    if parts[2] == "ffn_norm" { return family.feedForwardNorm(layer: layer) }
    return Self.linears.first { $0.gguf == parts[2] }.flatMap { family.name($0.linear, layer: layer) }
  }

  /// Both ways for a model of `layers`: Hugging Face's module names to GGUF's.
  func modules(layers: Int) -> [String: String] {
    var names = [family.embedding: "token_embd", family.finalNorm: "output_norm"]
    if let head = family.head { names[head] = "output" }
    for layer in 0..<layers {
      names[family.attentionNorm(layer: layer)] = "blk.\(layer).attn_norm"
      names[family.feedForwardNorm(layer: layer)] = "blk.\(layer).ffn_norm"
      for (gguf, linear) in Self.linears {
        if let name = family.name(linear, layer: layer) { names[name] = "blk.\(layer).\(gguf)" }
      }
    }
    return names
  }

  /// Heads whose rows are pairwise, for a module of a block; nil where rows lie as Hugging Face has them.
  func pairedHeads(gguf name: String, _ model: ModelConfiguration) -> Int? {
    guard family == .llama else { return nil }
    let module = name.split(separator: ".").dropLast().last
    return module == "attn_q" ? model.heads : module == "attn_k" ? model.keyValueHeads : nil
  }

  /// Which row of the GGUF file is row `row` of Hugging Face's.
  static func pairedRow(_ row: Int, headSize: Int) -> Int {
    let head = row / headSize, within = row % headSize, half = headSize / 2
    return head * headSize + 2 * (within % half) + within / half
  }

  /// Which row of Hugging Face's is row `row` of the GGUF file.
  static func halvedRow(_ row: Int, headSize: Int) -> Int {
    let head = row / headSize, within = row % headSize
    return head * headSize + (within % 2) * (headSize / 2) + within / 2
  }
}
