public import CentramPluginAPI

/// Works out what a merge does to every tensor, from names, formats and shapes alone.
///
/// It knows no architectures. Tensors of several models belong together when they have the same name; layers are the
/// numbers behind words like `layers`, `h` or `blocks` (see `TensorName`).
public struct MergePlanner: Sendable {
  let configuration: MergeConfiguration
  let info: MergeOperatorInfo
  let resolver: ParameterResolver

  /// - Throws: `.configuration` for parameters that the operator does not take.
  public init(_ configuration: MergeConfiguration, info: MergeOperatorInfo) throws(MergeError) {
    (self.configuration, self.info) = (configuration, info)
    resolver = try ParameterResolver(configuration, info: info)
  }

  /// - Parameters:
  ///   - catalogs: of every model in `configuration.models`; a model with an adapter has its base's.
  ///   - vocabularySize: the rows that vocabulary tensors get where tokenizers are aligned; nil where they are not.
  /// - Throws: `.configuration` where models or parameters are missing, `.mismatch` where tensors do not fit together,
  ///   `.input` where there is no catalog.
  public func plan(catalogs: [ModelReference: TensorCatalog], vocabularySize: Int? = nil) throws(MergeError) -> MergePlan {
    let models = configuration.models
    let slices = try slices(models)
    let read = Set(slices.flatMap(\.sources).map(\.index))
    var stacks: [LayerStacks] = []
    var ordered: [TensorCatalog] = []
    for (index, model) in models.enumerated() {
      // A base model that is in no slice gives only its config.json and tokenizer.
      guard let catalog = read.contains(index) ? catalogs[model] : .init() else { throw MergeError(.input, "\(model): its tensors are not known") }
      guard !catalog.entries.isEmpty || !read.contains(index) else { throw MergeError(.input, "\(model): it has no tensors") }
      ordered.append(catalog)
      stacks.append(LayerStacks(catalog))
    }
    var builder = PlanBuilder(planner: self, models: models, catalogs: ordered, vocabularySize: vocabularySize)
    if let base = configuration.baseModel, slices.contains(where: { $0.baseIndex == nil }) {
      builder.warn("\(base) gives no tensors to slices in which it is not among the sources; base_model alone does not add it there")
    }
    let layerCount: Int
    if case .models = configuration.inputs {
      layerCount = try builder.addWholeModels(slices[0], stacks)
    } else {
      layerCount = try builder.addSlices(slices, stacks)
    }
    return builder.finish(layerCount: layerCount)
  }

  /// Plans a document.
  public static func plan(
    _ document: MergeDocument, info: MergeOperatorInfo, catalogs: [ModelReference: TensorCatalog], vocabularySize: Int? = nil
  ) throws(MergeError) -> MergePlan {
    var plan = try MergePlanner(document.configuration, info: info).plan(catalogs: catalogs, vocabularySize: vocabularySize)
    plan.warnings = document.warnings + plan.warnings
    return plan
  }
}
