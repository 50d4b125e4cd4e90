public import CentramModel
internal import Foundation

/// Models and results of PyTorch, transformers and PEFT; the scripts that made them lie beside them.
public enum Golden {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Golden/Model")
  /// Folders with input_ids, logits and greedy, and an adapter.
  public static let random = ["llama-gqa", "llama-tied-3heads", "qwen2-tied", "qwen2-untied"]
  /// Folders with golden.json and golden.safetensors.
  public static let tiny = ["tiny/tiny-llama3", "tiny/tiny-qwen2-bf16", "tiny/tiny-qwen2-f32"]

  public static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  public static func model(_ name: String) throws -> LanguageModel {
    let files = try ModelFiles(path: path(name))
    return try LanguageModel(configuration: files.configuration, weights: files.weights)
  }

  public static func tensors(_ name: String) throws -> SafetensorsFile { try SafetensorsFile(path: path(name)) }

  public static func json<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// make_corrections.py says which results were made wrongly, and what is right.
  public static func right(_ name: String, _ file: String) -> String {
    let corrected = name + "/corrected." + (file as NSString).pathExtension
    return FileManager.default.fileExists(atPath: path(corrected)) ? corrected : name + "/" + file
  }
}

/// A golden file lacks a tensor.
public struct MissingTensor: Error { public let name: String }

extension SafetensorsFile {
  public func floats(_ name: String) throws -> [Float] { floats(of: try named(name)) }

  /// Integers of eight bytes as tokens.
  public func tokens(_ name: String) throws -> [Int32] {
    let tensor = try named(name)
    let bytes = bytes(of: tensor)
    return (0..<tensor.count).map { Int32(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
  }

  private func named(_ name: String) throws -> SafetensorsFile.Tensor {
    guard let tensor = tensor(name) else { throw MissingTensor(name: name) }
    return tensor
  }
}

/// The largest difference between two lists of floats; infinite where one is not finite or the counts differ.
public func distance(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Float {
  guard a.count == b.count else { return .infinity }
  var largest: Float = 0
  for (x, y) in zip(a, b) {
    let difference = abs(x - y)
    guard difference.isFinite else { return .infinity }
    largest = max(largest, difference)
  }
  return largest
}

public func bits(_ floats: some Sequence<Float>) -> [UInt32] { floats.map(\.bitPattern) }
