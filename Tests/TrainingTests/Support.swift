import CentramModel
import Foundation
import Testing

/// Models and results of PyTorch, transformers and PEFT; the scripts that made them lie beside them.
enum Golden {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/Golden/Model")
  static let random = ["llama-gqa", "llama-tied-3heads", "qwen2-tied", "qwen2-untied"]

  static func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  static func model(_ name: String) throws -> LanguageModel {
    let files = try ModelFiles(path: path(name))
    return try LanguageModel(configuration: files.configuration, weights: files.weights)
  }

  static func tensors(_ name: String) throws -> SafetensorsFile { try SafetensorsFile(path: path(name)) }
  static func json<T: Decodable>(_ name: String, as type: T.Type) throws -> T { try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path(name)))) }
}

extension SafetensorsFile {
  func floats(_ name: String) throws -> [Float] { floats(of: try #require(self.tensor(name))) }

  func tokens(_ name: String) throws -> [Int32] {
    let tensor = try #require(self.tensor(name))
    let bytes = bytes(of: tensor)
    return (0..<tensor.count).map { Int32(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
  }
}

/// The largest difference between two lists of floats; infinite where one is not finite or the counts differ.
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

extension TrainingTensor {
  var valueList: [Float] { Array(UnsafeBufferPointer(start: values, count: count)) }
  var gradientList: [Float] { Array(UnsafeBufferPointer(start: gradients, count: count)) }
  func set(_ list: [Float]) {
    precondition(list.count == count)
    list.withUnsafeBufferPointer { values.update(from: $0.baseAddress!, count: count) }
  }
}

extension TrainingEngine {
  /// The gradients' bits, tensor after tensor.
  var gradientBits: [UInt32] { tensors.flatMap { $0.gradientList.map(\.bitPattern) } }
  var valueBits: [UInt32] { tensors.flatMap { $0.valueList.map(\.bitPattern) } }
  func tensor(_ name: String) throws -> TrainingTensor { try #require(tensors.first { $0.name == name }) }

  /// A step as the goldens make it: the mean loss, gradients clipped by their norm, AdamW.
  func step(_ optimizer: AdamW, inputs: [Int32], targets: [Int32], batch: Int, length: Int, rate: Double, clip: Double?) throws -> Double {
    zeroGradients()
    let pass = try accumulate(inputs: inputs, targets: targets, batch: batch, length: length)
    scaleGradients(by: 1 / Double(pass.counted))
    let norm = gradientNorm()
    // clip_grad_norm_ of PyTorch adds 1e-6
    if let clip, norm + 1e-6 > clip { scaleGradients(by: clip / (norm + 1e-6)) }
    optimizer.update(learningRate: rate)
    return pass.meanLoss
  }
}
