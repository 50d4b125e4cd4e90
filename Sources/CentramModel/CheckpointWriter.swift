internal import Foundation

/// Writes a checkpoint into a folder: one `model.safetensors`, or shards with their index.
public final class CheckpointWriter: Sendable {
  private let shards: [SafetensorsWriter]
  private let shardOf: [String: Int]
  private let folder: String
  private let index: String?

  /// - Parameters:
  ///   - shardSize: bytes of tensors a file, at least one tensor each.
  public init(folder: String, items: [SafetensorsWriter.Item], shardSize: Int) throws(ModelFileError) {
    self.folder = folder
    var groups: [[SafetensorsWriter.Item]] = [[]]
    var size = 0
    for item in items {
      if !groups[groups.count - 1].isEmpty && size + item.byteCount > shardSize {
        groups.append([])
        size = 0
      }
      groups[groups.count - 1].append(item)
      size += item.byteCount
    }
    var shards: [SafetensorsWriter] = []
    var shardOf: [String: Int] = [:]
    var map: [String: String] = [:]
    for (number, group) in groups.enumerated() {
      let name = groups.count == 1 ? "model.safetensors" : "model-\(fiveDigits(number + 1))-of-\(fiveDigits(groups.count)).safetensors"
      shards.append(try SafetensorsWriter(path: folder + "/" + name, items: group))
      for item in group { (shardOf[item.name], map[item.name]) = (number, name) }
    }
    (self.shards, self.shardOf) = (shards, shardOf)
    guard groups.count > 1 else {
      index = nil
      return
    }
    let total = items.reduce(0) { $0 + $1.byteCount }
    let object: [String: Any] = ["metadata": ["total_size": total], "weight_map": map]
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    index = data.map { String(decoding: $0, as: UTF8.self) + "\n" }
  }

  public func write(_ bytes: UnsafeRawBufferPointer, of name: String, at offset: Int) throws(ModelFileError) {
    guard let shard = shardOf[name] else { preconditionFailure("\(name) is not in this checkpoint") }
    try shards[shard].write(bytes, of: name, at: offset)
  }

  /// Writes the index.
  /// - Parameter synchronizing: whether to wait until everything is on the disk.
  public func finish(synchronizing: Bool) throws(ModelFileError) {
    if synchronizing { for shard in shards { try shard.synchronize() } }
    guard let index else { return }
    let path = folder + "/" + Checkpoint.indexName
    do {
      try Data(index.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw ModelFileError(.unwritable, "\(path): \(error.localizedDescription)")
    }
  }

  public var files: [String] { shards.map(\.path) }
}

private func fiveDigits(_ number: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, 5 - text.count)) + text
}
