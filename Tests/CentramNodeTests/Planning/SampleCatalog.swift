import CentramModel
import CentramNode
import CentramPluginAPI
import Testing

/// Catalogs of small models, and plans of them.
enum SampleCatalog {
  static func llama(layers: Int, rows: Int = 8, width: Int = 4, head: Bool = true, _ format: NumberFormat = .float32) -> TensorCatalog {
    var entries: [String: TensorCatalog.Entry] = ["model.embed_tokens.weight": .init(format, [rows, width]), "model.norm.weight": .init(format, [width])]
    if head { entries["lm_head.weight"] = .init(format, [rows, width]) }
    for layer in 0..<layers {
      entries["model.layers.\(layer).mlp.up_proj.weight"] = .init(format, [2 * width, width])
      entries["model.layers.\(layer).input_layernorm.weight"] = .init(format, [width])
    }
    return TensorCatalog(entries)
  }

  static func plan(
    _ yaml: String, _ catalogs: [String: TensorCatalog], info: MergeOperatorInfo? = nil, vocabularySize: Int? = nil
  ) throws -> MergePlan {
    let document = try MergeDocument.parse(yaml: yaml, name: "merge.yml")[0]
    let info = try info ?? #require(SampleOperators.all[document.configuration.method])
    let known = Dictionary(uniqueKeysWithValues: catalogs.map { (ModelReference(path: $0), $1) })
    return try MergePlanner.plan(document, info: info, catalogs: known, vocabularySize: vocabularySize)
  }
}

extension MergePlan {
  subscript(name: String) -> MergePlan.Tensor? { tensors.first { $0.name == name } }

  func merge(_ name: String) throws -> MergePlan.Merge {
    guard case .merge(let merge)? = self[name]?.action else { throw MergeError(.input, "\(name) is not merged") }
    return merge
  }

  func weight(_ name: String, input: Int = 0) throws -> ParameterValue? { try merge(name).parameters.value("weight", input: input) }
}

/// Expects an error of planning, and that its message holds all of `parts`.
func expectPlanError(
  _ code: MergeError.Code, _ yaml: String, _ catalogs: [String: TensorCatalog], info: MergeOperatorInfo? = nil, vocabularySize: Int? = nil,
  _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  do {
    _ = try SampleCatalog.plan(yaml, catalogs, info: info, vocabularySize: vocabularySize)
    Issue.record("planned", sourceLocation: sourceLocation)
  } catch let error as MergeError {
    #expect(error.code == code, sourceLocation: sourceLocation)
    for part in parts { #expect(error.message.contains(part), "\(error.message) lacks \(part)", sourceLocation: sourceLocation) }
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
}
