internal import CentramHost

/// What a model is asked for by: a short name that we know, or `owner/name` as on the hub, with `@revision` behind it.
public struct ModelName: Sendable, Equatable, CustomStringConvertible {
  /// `owner/name`.
  public let repository: String
  /// A branch, tag or commit.
  public let revision: String

  /// Short names. All are instruction-tuned; the base models are reached by `owner/name`.
  public static let known: [(name: String, repository: String)] = [
    ("qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct"), ("qwen2.5-1.5b", "Qwen/Qwen2.5-1.5B-Instruct"), ("qwen2.5-3b", "Qwen/Qwen2.5-3B-Instruct"),
    ("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct"), ("qwen2.5-14b", "Qwen/Qwen2.5-14B-Instruct"), ("qwen2.5-32b", "Qwen/Qwen2.5-32B-Instruct"),
    ("qwen2.5-coder-0.5b", "Qwen/Qwen2.5-Coder-0.5B-Instruct"), ("qwen2.5-coder-1.5b", "Qwen/Qwen2.5-Coder-1.5B-Instruct"),
    ("qwen2.5-coder-3b", "Qwen/Qwen2.5-Coder-3B-Instruct"), ("qwen2.5-coder-7b", "Qwen/Qwen2.5-Coder-7B-Instruct"),
    ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct"), ("smollm2-360m", "HuggingFaceTB/SmolLM2-360M-Instruct"),
    ("smollm2-1.7b", "HuggingFaceTB/SmolLM2-1.7B-Instruct"),
  ]

  /// - Throws: `.usage`, naming the nearest known name.
  public init(_ text: String) throws(ModelStoreError) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let revision = parts.count == 2 ? parts[1] : "main"
    guard Self.isPlain(revision, allowingSlash: true) else { throw ModelStoreError(.usage, "\(text): \"\(revision)\" is no revision; give a branch, tag or commit") }
    if let match = Self.known.first(where: { $0.name == parts[0].lowercased() }) {
      (repository, self.revision) = (match.repository, revision)
      return
    }
    let path = parts[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard path.count == 2, path.allSatisfy({ Self.isPlain($0, allowingSlash: false) }) else {
      let names = Self.known.map(\.name)
      let hint = CentramHost.NearestName.suggestion(for: parts[0].lowercased(), among: names).map { "did you mean \($0)?" } ?? "known are \(names.joined(separator: ", "))"
      throw ModelStoreError(.usage, "\(text): not a known model and not owner/name; \(hint)")
    }
    (repository, self.revision) = (parts[0], revision)
  }

  /// Letters, digits and `-_.`, not starting with a dot, at most 96 characters: the hub's own rule.
  static func isPlain(_ text: String, allowingSlash: Bool) -> Bool {
    !text.isEmpty && text.utf8.count <= 96 && !text.hasPrefix(".") && !text.contains("..")
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte) || (allowingSlash && byte == UInt8(ascii: "/"))
      }
  }

  public var description: String { revision == "main" ? repository : "\(repository)@\(revision)" }
}
