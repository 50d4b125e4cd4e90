import Foundation
import Testing

/// The cases in peft.json and more/peft.json.
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

  static let cases = ["peft.json", "more/peft.json"].map { name in
    let data = try! Data(contentsOf: URL(fileURLWithPath: "\(Fixtures.golden)/\(name)"))
    return try! JSONDecoder().decode(GoldenIndex.self, from: data)
  }
  static let combinations = cases.flatMap(\.add_weighted_adapter)
  static let unloads = cases.flatMap(\.merge_and_unload)
  static let extractions = cases.flatMap(\.extract_lora)

  /// `lora/out-cat.safetensors` in the index is `out-cat.safetensors` here.
  static func path(_ name: String) -> String { Fixtures.golden + "/" + (name.hasPrefix("lora/") ? String(name.dropFirst(5)) : name) }
}
