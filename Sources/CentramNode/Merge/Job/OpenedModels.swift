internal import CentramModel
internal import Foundation

/// The checkpoints and adapters that a document reads, opened once each.
struct OpenedModels {
  private(set) var checkpoints: [ModelReference.Location: Checkpoint] = [:]
  private(set) var adapters: [ModelReference.Location: Adapter] = [:]
  /// What will be left out, but likely should not.
  private(set) var warnings: [String] = []
  /// Where earlier documents wrote their output.
  let documents: [String: String]

  init(_ configuration: MergeConfiguration, documents: [String: String]) throws(MergeError) {
    self.documents = documents
    for reference in configuration.allModels where checkpoints[reference.model] == nil {
      checkpoints[reference.model] = try Self.reporting { () throws(ModelFileError) in try Checkpoint(path: path(reference.model)) }
    }
    for reference in configuration.allModels {
      guard let location = reference.adapter else { continue }
      let adapter: Adapter
      if let known = adapters[location] {
        adapter = known
      } else {
        adapter = try Self.reporting { () throws(ModelFileError) in try Adapter(folder: path(location)) }
        adapters[location] = adapter
      }
      let homeless = adapter.savedTensors(notAmong: try checkpoint(reference).tensorNames)
      if let first = homeless.first {
        let more = homeless.count > 1 ? " and \(homeless.count - 1) more" : ""
        warnings.append("\(reference): the adapter holds \(first)\(more), which the base does not have; left out")
      }
      let strangers = adapter.modulesWithoutTensor(among: try checkpoint(reference).tensorNames)
      guard strangers.isEmpty else {
        throw MergeError(
          .mismatch,
          "\(reference): the adapter changes \(strangers[0])\(strangers.count > 1 ? " and \(strangers.count - 1) more" : ""), which the base does not have; they do not belong together"
        )
      }
    }
  }

  func path(_ location: ModelReference.Location) -> String {
    switch location {
    case .path(let path): (path as NSString).expandingTildeInPath
    case .document(let name): documents[name] ?? name
    }
  }

  func checkpoint(_ reference: ModelReference) throws(MergeError) -> Checkpoint {
    guard let checkpoint = checkpoints[reference.model] else { throw MergeError(.input, "\(reference) was not opened") }
    return checkpoint
  }

  func adapter(_ reference: ModelReference) -> Adapter? { reference.adapter.flatMap { adapters[$0] } }

  /// The files that a reference stands for, the adapter's last.
  func files(_ reference: ModelReference) throws(MergeError) -> [SafetensorsFile] {
    try checkpoint(reference).files + (adapter(reference).map { [$0.file] } ?? [])
  }

  func catalogs(_ references: [ModelReference]) throws(MergeError) -> [ModelReference: TensorCatalog] {
    var result: [ModelReference: TensorCatalog] = [:]
    for reference in references {
      let checkpoint = try checkpoint(reference)
      var entries: [String: TensorCatalog.Entry] = [:]
      for name in checkpoint.tensorNames {
        if let tensor = checkpoint.entry(name)?.tensor { entries[name] = .init(tensor.format, tensor.shape) }
      }
      result[reference] = TensorCatalog(entries)
    }
    return result
  }

  /// Gives a file's error the words of a merge.
  static func reporting<Value>(_ body: () throws(ModelFileError) -> Value) throws(MergeError) -> Value {
    do throws(ModelFileError) {
      return try body()
    } catch {
      throw MergeError(error.code == .unwritable ? .output : .input, error.message)
    }
  }
}
