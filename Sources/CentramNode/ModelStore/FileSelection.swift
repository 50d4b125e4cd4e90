internal import Foundation

/// Which files of a repository make a model that can be run: safetensors with their configuration and tokenizer, or one GGUF
/// file. Other frameworks' weights are left.
struct FileSelection {
  /// Shell patterns given by the user; empty: what is needed.
  let patterns: [String]

  private static let companions: Set<String> = [
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "vocab.json",
    "merges.txt", "model.safetensors.index.json", "adapter_config.json", "LICENSE", "LICENSE.md", "LICENSE.txt", "README.md",
  ]

  /// - Throws: `.usage` where patterns match nothing, or where there are several GGUF files to choose from.
  func choose(_ files: [RemoteFile], of name: String) throws(ModelStoreError) -> [RemoteFile] {
    let top = files.filter { !$0.path.contains("/") }
    if !patterns.isEmpty {
      let chosen = files.filter { file in patterns.contains { fnmatch($0, file.path, 0) == 0 } }
      guard !chosen.isEmpty else {
        throw ModelStoreError(.usage, "\(name): no file matches \(patterns.joined(separator: ", ")); there are \(Self.listed(files))")
      }
      let hasWeights = chosen.contains { $0.path.hasSuffix(".safetensors") }
      return hasWeights ? chosen + top.filter { Self.companions.contains($0.path) && !chosen.contains($0) } : chosen
    }
    let companions = top.filter { Self.companions.contains($0.path) }
    let weights = top.filter { $0.path.hasSuffix(".safetensors") && !$0.path.hasPrefix("consolidated") }
    if !weights.isEmpty { return weights + companions }
    let gguf = top.filter { $0.path.lowercased().hasSuffix(".gguf") }
    switch gguf.count {
    case 1: return gguf
    case 0: throw ModelStoreError(.notFound, "\(name): no safetensors and no GGUF file; there are \(Self.listed(files))")
    default: throw ModelStoreError(.usage, "\(name): \(gguf.count) GGUF files; choose with --file: \(Self.listed(gguf))")
    }
  }

  private static func listed(_ files: [RemoteFile]) -> String {
    let names = files.map(\.path).sorted()
    return names.prefix(20).joined(separator: ", ") + (names.count > 20 ? " and \(names.count - 20) more" : "")
  }
}
