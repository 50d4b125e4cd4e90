/// A slice with everything that was left open in the configuration.
struct PlannedSlice {
  struct Source {
    var model: ModelReference
    /// In `MergePlan.models`.
    var index: Int
    /// nil: all, in every stack.
    var layers: Range<Int>?
    var parameters: ParameterSettings
    /// nil for a base model that is not listed.
    var place: ConfigurationPlace?
  }

  var sources: [Source]
  var baseIndex: Int?
  var parameters: ParameterSettings
  var place: ConfigurationPlace
}

extension MergePlanner {
  /// The slices of a configuration; whole models are one slice.
  func slices(_ models: [ModelReference]) throws(MergeError) -> [PlannedSlice] {
    func source(_ source: MergeConfiguration.Source) -> PlannedSlice.Source {
      .init(model: source.model, index: models.firstIndex(of: source.model)!, layers: source.layers, parameters: source.parameters, place: source.place)
    }
    var result: [PlannedSlice] = []
    switch configuration.inputs {
    case .models(let sources):
      var slice = PlannedSlice(sources: sources.map(source), parameters: .init(), place: configuration.place)
      if let base = configuration.baseModel {
        if let index = sources.firstIndex(where: { $0.model == base }) {
          slice.baseIndex = index
        } else {
          slice.baseIndex = sources.count
          slice.sources.append(.init(model: base, index: models.firstIndex(of: base)!, parameters: .init()))
        }
      }
      try check(slice, base: configuration.baseModel, "models")
      result.append(slice)
    case .slices(let slices):
      for slice in slices {
        let base = slice.baseModel ?? configuration.baseModel
        let planned = PlannedSlice(
          sources: slice.sources.map(source), baseIndex: slice.sources.firstIndex { $0.model == base }, parameters: slice.parameters,
          place: slice.place)
        try check(planned, base: base, slice.place.path + ".sources")
        result.append(planned)
      }
    }
    return result
  }

  /// Holds the number of inputs and the base against what the operator takes.
  private func check(_ slice: PlannedSlice, base: ModelReference?, _ list: String) throws(MergeError) {
    let method = configuration.method
    if info.needs.contains(.base), slice.baseIndex == nil {
      guard let base else { throw slice.place.error("\(method) compares the models with a base model; add base_model: FOLDER") }
      throw slice.place.error("\(method) compares the models with the base model \(base), which is not among \(list); add it there with its layer_range")
    }
    let isCounted = info.needs.contains(.baseAsInput)
    let names = slice.sources.indices.filter { isCounted || $0 != slice.baseIndex }.map { slice.sources[$0].model.description }
    guard !info.inputs.contains(names.count) else { return }
    let limits = info.inputs
    let wanted =
      limits.lowerBound == limits.upperBound
      ? "exactly \(limits.lowerBound) \(limits.lowerBound == 1 ? "model" : "models")" : "\(limits.lowerBound) to \(limits.upperBound) models"
    let found = names.isEmpty ? "there is none" : "there are \(names.count): \(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? ", ..." : "")"
    let counting =
      isCounted
      ? (slice.baseIndex.map { slice.sources[$0].place == nil ? " (base_model counts as one of them)" : "" } ?? "")
      : (slice.baseIndex == nil ? "" : " besides the base model")
    throw slice.place.error("\(method) takes \(wanted)\(counting), but \(found)")
  }
}
