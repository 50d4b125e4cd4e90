public import Foundation

/// The tensors of a model: a Hugging Face folder with one safetensors file or many, or a single file.
public final class Checkpoint: Sendable {
  public struct Entry: Sendable {
    public let file: SafetensorsFile
    public let tensor: SafetensorsFile.Tensor
  }

  /// Where it is, as given.
  public let path: String
  /// The folder that holds config.json and the tokenizer; nil for a single file.
  public let folder: URL?
  /// The safetensors files, by name.
  public let files: [SafetensorsFile]
  private let entries: [String: Entry]

  /// - Throws: `.unreadable` where there is nothing, `.malformed` where files do not fit together, `.unsupported` for
  ///   formats that can run code.
  public init(path: String) throws(ModelFileError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ModelFileError(.unreadable, "\(path): there is no such folder or file")
    }
    let names: [String: String]?
    if isFolder.boolValue {
      let folder = URL(fileURLWithPath: path, isDirectory: true)
      (files, names) = try Self.open(folder: folder)
      self.folder = folder
    } else {
      (files, names, folder) = ([try SafetensorsFile(path: path)], nil, nil)
    }
    self.path = path
    var entries: [String: Entry] = [:]
    for file in files {
      for tensor in file.tensors {
        if let other = entries[tensor.name] {
          throw ModelFileError(.malformed, "\(path): \(tensor.name) is in \(other.file.path) and in \(file.path)")
        }
        entries[tensor.name] = Entry(file: file, tensor: tensor)
      }
    }
    if let names {
      for (name, file) in names {
        guard let entry = entries[name] else { throw ModelFileError(.malformed, "\(path): the index names \(name), but \(file) lacks it") }
        guard (entry.file.path as NSString).lastPathComponent == file else {
          throw ModelFileError(.malformed, "\(path): the index says that \(name) is in \(file), but it is in \(entry.file.path)")
        }
      }
    }
    self.entries = entries
  }

  public func entry(_ name: String) -> Entry? { entries[name] }
  public var tensorNames: Dictionary<String, Entry>.Keys { entries.keys }

  private struct Index: Decodable {
    let weight_map: [String: String]
  }

  static let indexName = "model.safetensors.index.json"
  private static let maximumIndexSize = 64 << 20

  private static func open(folder: URL) throws(ModelFileError) -> ([SafetensorsFile], [String: String]?) {
    let manager = FileManager.default
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    if manager.fileExists(atPath: path(indexName)) {
      let mapping = try Mapping(path: path(indexName))
      guard mapping.bytes.count <= maximumIndexSize else {
        throw ModelFileError(.malformed, "\(path(indexName)): \(mapping.bytes.count) bytes; \(maximumIndexSize) is the limit")
      }
      let index: Index
      do {
        index = try JSONDecoder().decode(Index.self, from: Data(mapping.bytes))
      } catch {
        throw ModelFileError(.malformed, "\(path(indexName)): no weight_map of tensor names to file names")
      }
      var files: [SafetensorsFile] = []
      for name in Set(index.weight_map.values).sorted() {
        guard !name.contains("/"), name != ".." else {
          throw ModelFileError(.malformed, "\(path(indexName)): \(name) is not the name of a file in this folder")
        }
        files.append(try SafetensorsFile(path: path(name)))
      }
      return (files, index.weight_map)
    }
    if manager.fileExists(atPath: path("model.safetensors")) { return ([try SafetensorsFile(path: path("model.safetensors"))], nil) }
    let names = ((try? manager.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
    let candidates = names.filter { $0.hasSuffix(".safetensors") && !$0.hasPrefix("adapter_model") }
    switch candidates.count {
    case 1: return ([try SafetensorsFile(path: path(candidates[0]))], nil)
    case 0: break
    default:
      throw ModelFileError(
        .malformed, "\(folder.path): \(candidates.count) safetensors files and neither \(indexName) nor model.safetensors says which belong together")
    }
    if names.contains(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".pt") || $0.hasSuffix(".pth") }) {
      throw ModelFileError(
        .unsupported,
        "\(folder.path): only pickled weights, which run code when they are read; save the model again with transformers (safe_serialization) and use that")
    }
    if names.contains("adapter_config.json") {
      throw ModelFileError(.unsupported, "\(folder.path): an adapter, not a model; write BASE+\(folder.lastPathComponent) to use it on its base")
    }
    throw ModelFileError(.unreadable, "\(folder.path): no model.safetensors and no \(indexName)")
  }
}
