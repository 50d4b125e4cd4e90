import Foundation
import Testing

/// The cases in peft.json.
struct GoldenIndex: Decodable {
  struct Combination: Decodable, Sendable, CustomTestStringConvertible {
    let id: String
    let adapters: [String]
    let weights: [Double]
    let combination_type: String
    let density: Double?
    let majority_sign_method: String?
    let svd_rank: Int?
    let svd_clamp: Double?
    let masks: String?
    let expected: String
    let out_r: Int
    var testDescription: String { id }
  }
  struct Unload: Decodable, Sendable, CustomTestStringConvertible {
    let adapter: String
    let base: String
    let expected: String
    var testDescription: String { expected }
  }
  struct Extraction: Decodable, Sendable, CustomTestStringConvertible {
    let args: [String]
    let model: String
    let base: String
    let expected: String
    var testDescription: String { expected }
  }
  let add_weighted_adapter: [Combination]
  let merge_and_unload: [Unload]
  let extract_lora: [Extraction]

  static let cases: GoldenIndex = {
    let data = try! Data(contentsOf: URL(fileURLWithPath: Fixtures.golden + "/peft.json"))
    return try! JSONDecoder().decode(GoldenIndex.self, from: data)
  }()

  /// `lora/out-cat.safetensors` in the index is `out-cat.safetensors` here.
  static func path(_ name: String) -> String { Fixtures.golden + "/" + (name.hasPrefix("lora/") ? String(name.dropFirst(5)) : name) }
}
