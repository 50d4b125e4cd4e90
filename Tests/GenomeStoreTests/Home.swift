import CentramGenome
import CentramModel
import CentramNode
import CentramStore
import Foundation
import Testing

/// A node's home of a test: its key, its genomes, and trained adapters to make genomes of. Goes with the test.
final class Home {
  let path: String
  let store: GenomeStore
  let library: GenomeLibrary

  /// - Parameters:
  ///   - key: repeated 32 times it is the seed of the node's key.
  ///   - time: Unix milliseconds that the clock shows.
  init(key: UInt8 = 1, time: Int64 = 1_700_000_000_000) throws {
    path = NSTemporaryDirectory() + "/centram-genomes-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    store = try GenomeStore(folder: path + "/genomes")
    library = GenomeLibrary(store: store, identity: NodeIdentity(seed: [UInt8](repeating: key, count: 32)), now: { time })
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { path + "/" + name }

  func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
    let url = URL(fileURLWithPath: self(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(Array(bytes)).write(to: url)
  }

  func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name)))) }

  /// A base model of one file.
  func base(_ name: String = "base") throws -> String {
    try write("weights of the base".utf8, name + "/model.safetensors")
    return self(name)
  }

  /// An adapter as the trainer writes it.
  @discardableResult func adapter(_ name: String, seed: Int = 1, base: String? = nil) throws -> String {
    let base = try base ?? self.base()
    try write(Self.weights(seed: seed), name + "/adapter_model.safetensors")
    try write("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q\"], \"base_model_name_or_path\": \"\(base)\"}".utf8, name + "/adapter_config.json")
    return self(name)
  }

  static func weights(seed: Int) -> [UInt8] {
    let parts = [("base_model.model.layers.0.q.lora_A.weight", [2, 3]), ("base_model.model.layers.0.q.lora_B.weight", [4, 2])]
    var header: [String] = [], data: [UInt8] = []
    for (name, shape) in parts {
      let start = data.count
      for index in 0..<shape[0] * shape[1] { withUnsafeBytes(of: (Float(seed) + Float(index) / 8).bitPattern.littleEndian) { data += $0 } }
      header.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(data.count)]}")
    }
    let text = "{" + header.joined(separator: ",") + "}"
    return withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8) + data
  }

  /// A genome of this node.
  @discardableResult func genome(_ seed: Int = 1, domain: String = "text", parents: [(String, Int?)] = []) throws -> GenomeRecord {
    var description = GenomeDescription()
    description.domain = domain
    description.parents = parents.map { (id: $0.0, basisPoints: $0.1) }
    return try library.create(try adapter("adapter-\(seed)", seed: seed), description)
  }
}

/// What an operation on genomes throws; nil where it throws nothing.
func refusal(_ body: () throws -> Void) -> GenomePackageError? {
  do { try body() } catch { return error as? GenomePackageError ?? GenomePackageError(.init(rawValue: "another kind of error"), "\(error)") }
  return nil
}
