import CentramModel
import Foundation
import Testing

@testable import CentramNode

/// The merge goldens: in the checkout, or beside it.
enum MergeGolden {
  static let folder: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return [root.appendingPathComponent("Tests/Fixtures/Golden/merge"), root.appendingPathComponent("../shared/golden/merge")]
      .map { $0.standardizedFileURL.path }.first { FileManager.default.fileExists(atPath: $0 + "/index.json") }
  }()

  static func path(_ name: String) throws -> String { try #require(folder, "no goldens") + "/" + name }

  static func model(_ name: String) throws -> String { try path("models/\(name)") }

  /// The cases of index.json that mergekit finished or failed after the weights.
  static func cases() throws -> [OrderedJSON] {
    let index = try FolderFiles(folder: try #require(folder, "no goldens")).json("index.json")
    return try #require(index?["cases"]?.array)
  }

  /// `${M}` stands for the models' folder.
  static func resolved(_ text: String) throws -> String { text.replacing("${M}", with: try path("models")) }
}

/// A folder that is gone after the test.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("centram-files-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A folder in it, with these files.
  func folder(_ name: String, _ files: [String: String] = [:]) throws -> String {
    let folder = "\(path)/\(name)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    return folder
  }

  func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
}

/// SplitMix64; the seed is printed, and can be given again as CENTRAM_TEST_SEED.
struct SeededNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// - Parameter test: printed with the seed.
  static func printed(_ test: String) -> SeededNumbers {
    let seed = ProcessInfo.processInfo.environment["CENTRAM_TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64(Int64.max))
    print("\(test): CENTRAM_TEST_SEED=\(seed)")
    return SeededNumbers(seed: seed)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

extension MergeOutputFiles {
  /// The least that a merge of these models writes.
  static func plain(_ models: [Model], base: Int? = 0, format: NumberFormat = .float32) -> MergeOutputFiles {
    MergeOutputFiles(
      title: "test", models: models, base: base, configuration: "merge_method: linear\n", method: "linear", format: format,
      lineage: MergeLineage(
        inputs: models.map { MergeLineage.Input(reference: $0.reference, folder: $0.folder, files: []) }, operatorID: "centram.linear",
        operatorVersion: "1.0.0", seed: 7, centramVersion: "0.1.0"))
  }
}
