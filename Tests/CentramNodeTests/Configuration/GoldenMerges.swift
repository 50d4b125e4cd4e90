import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation

/// The cases made with mergekit, and what the tests need to plan them.
enum GoldenMerges {
  struct Case: Decodable {
    let id: String
    let method: String
    let config_file: String
    let expected: String?
    let out_vocab: [String: Int]?
    let out_config: OutConfig?
    struct OutConfig: Decodable { let num_hidden_layers: Int? }
  }

  /// In the repository, or beside the checkout where the goldens are not in it yet.
  static let folder: URL = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let own = tests.appendingPathComponent("Fixtures/Golden/merge")
    if FileManager.default.fileExists(atPath: own.appendingPathComponent("index.json").path) { return own }
    return tests.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/golden/merge")
  }()

  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Configuration")

  static func cases() throws -> [Case] {
    struct Index: Decodable { let cases: [Case] }
    return try JSONDecoder().decode(Index.self, from: Data(contentsOf: folder.appendingPathComponent("index.json"))).cases
  }

  static func text(_ item: Case) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(item.config_file), encoding: .utf8)
  }

  static func catalog(_ path: String) throws -> TensorCatalog {
    let file = try SafetensorsFile(path: path)
    return TensorCatalog(Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, .init($0.format, $0.shape)) }))
  }

  static func catalogs(of configuration: MergeConfiguration) throws -> [ModelReference: TensorCatalog] {
    var result: [ModelReference: TensorCatalog] = [:]
    for model in configuration.models {
      let path = model.model.text.replacingOccurrences(of: "${M}", with: folder.appendingPathComponent("models").path)
      result[model] = try catalog(path + "/model.safetensors")
    }
    return result
  }
}
