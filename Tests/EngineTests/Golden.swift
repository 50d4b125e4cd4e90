import CModelKernels
import CentramModel
import Foundation
import Testing

/// Models and results of transformers and PEFT; the scripts that made them lie beside them.
enum Golden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Golden/Model")
  /// Folders with input_ids, logits and greedy, and an adapter.
  static let random = ["llama-gqa", "llama-tied-3heads", "qwen2-tied", "qwen2-untied"]
  /// Folders with golden.json and golden.safetensors.
  static let tiny = ["tiny/tiny-llama3", "tiny/tiny-qwen2-bf16", "tiny/tiny-qwen2-f32"]

  static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  static func model(_ name: String) throws -> LanguageModel {
    let files = try ModelFiles(path: path(name))
    return try LanguageModel(configuration: files.configuration, weights: files.weights)
  }

  static func tensors(_ name: String) throws -> SafetensorsFile { try SafetensorsFile(path: path(name)) }

  static func adapter(_ name: String, _ model: LanguageModel) throws -> AdapterWeights { try AdapterWeights(Adapter(folder: path(name)), model: model) }

  /// What golden.json of a tiny model says.
  struct Text: Decodable {
    let ids: [Int32]
    let greedy: [Int32]
  }
  static func text(_ name: String) throws -> Text {
    try JSONDecoder().decode(Text.self, from: Data(contentsOf: URL(fileURLWithPath: path(right(name, "golden.json")))))
  }

  /// make_corrections.py says which results were made wrongly, and what is right.
  static func right(_ name: String, _ file: String) -> String {
    let corrected = name + "/corrected." + (file as NSString).pathExtension
    return FileManager.default.fileExists(atPath: path(corrected)) ? corrected : name + "/" + file
  }
}

extension SafetensorsFile {
  func floats(_ name: String) throws -> [Float] { floats(of: try #require(self.tensor(name))) }

  func tokens(_ name: String) throws -> [Int32] {
    let tensor = try #require(self.tensor(name))
    let bytes = bytes(of: tensor)
    return (0..<tensor.count).map { Int32(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
  }
}

/// The largest difference between two lists of floats; infinite where one is NaN or the counts differ.
func distance(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Float {
  guard a.count == b.count else { return .infinity }
  var largest: Float = 0
  for (x, y) in zip(a, b) {
    let difference = abs(x - y)
    guard difference.isFinite else { return .infinity }
    largest = max(largest, difference)
  }
  return largest
}

extension Engine {
  /// All logits of a text from its beginning.
  func logits(_ tokens: [Int32], adapters: [AppliedAdapter] = []) throws -> [Float] {
    let logits = try step([StepInput(tokens: tokens, cache: KeyValueCache(model: model), adapters: adapters, logits: .all)])
    return (0..<logits.count).flatMap { Array(logits[$0]) }
  }

  func greedy(_ prompt: [Int32], count: Int) throws -> [Int32] {
    let cache = try KeyValueCache(model: model)
    var (tokens, next) = ([Int32](), prompt)
    for _ in 0..<count {
      next = [argmax(try step([StepInput(tokens: next, cache: cache)]).last(of: 0))]
      tokens += next
    }
    return tokens
  }
}

func bits(_ floats: some Sequence<Float>) -> [UInt32] { floats.map(\.bitPattern) }

/// The first of the largest.
func argmax(_ logits: UnsafeMutableBufferPointer<Float>) -> Int32 { Int32(mk_arg_max(logits.baseAddress, logits.count)) }
