internal import CentramModel
internal import Foundation

/// The checkpoints that a document reads, opened once each.
struct OpenedModels {
  private(set) var checkpoints: [ModelReference.Location: Checkpoint] = [:]
  /// Where earlier documents wrote their output.
  let documents: [String: String]

  init(_ configuration: MergeConfiguration, documents: [String: String]) throws(MergeError) {
    self.documents = documents
    for reference in configuration.allModels where checkpoints[reference.model] == nil {
      checkpoints[reference.model] = try Self.reporting { () throws(ModelFileError) in try Checkpoint(path: path(reference.model)) }
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
