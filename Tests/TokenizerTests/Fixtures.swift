import CentramModel
import Foundation

enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Golden/Model")

  static func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appendingPathComponent(path))) }

  static func tokenizer(_ kind: String) throws -> Tokenizer { try Tokenizer(json: try bytes("tokenizers/\(kind).json")) }

  struct Texts: Decodable {
    let short: [String]
    let long: [Long]
  }

  /// A text and how often it stands.
  struct Long: Decodable {
    let unit: String, times: Int

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      (unit, times) = (try list.decode(String.self), try list.decode(Int.self))
    }

    var text: String { String(repeating: unit, count: times) }
  }

  static func texts() throws -> Texts { try JSONDecoder().decode(Texts.self, from: Data(try bytes("tokenizers/texts.json"))) }

  /// What the tokenizers library made of a text.
  struct Golden: Decodable {
    let ids: [Int32], plain: [Int32], text: String, skipped: String

    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      (ids, plain) = (try list.decode([Int32].self), try list.decode([Int32].self))
      (text, skipped) = (try list.decode(String.self), try list.decode(String.self))
    }
  }

  struct Goldens: Decodable {
    let short: [Golden]
    /// Number and sum of the ids, with everything and plain.
    let long: [[[UInt64]]]
  }

  static func goldens(_ kind: String) throws -> Goldens { try JSONDecoder().decode(Goldens.self, from: Data(try bytes("tokenizers/\(kind).golden.json"))) }

  static let kinds = [
    "gpt2", "gpt2-prefix-space", "qwen2", "llama3", "smollm", "digits-together", "cl100k", "o200k", "qwen35", "deepseek", "behaviors", "removed-inverted",
    "part-alphabet", "part-alphabet-unk", "part-alphabet-fused-unk", "flags",
  ]
}
