internal import CentramModel

/// Collects planned tensors: what happens to each.
struct PlanBuilder {
  let planner: MergePlanner
  let models: [ModelReference]
  /// Of each model.
  let catalogs: [TensorCatalog]
  let vocabularySize: Int?

  private var tensors: [MergePlan.Tensor] = []
  private var warnings: [String] = []
  private var untiesHead = false
  private var summary = MergePlan.Summary()
  /// Tensors that some inputs lack; layers of one kind together.
  private var gaps: [Gap: Int] = [:]
  private var gapOrder: [Gap] = []

  private struct Gap: Hashable {
    let pattern: String, missing: [ModelReference], from: ModelReference
  }

  init(planner: MergePlanner, models: [ModelReference], catalogs: [TensorCatalog], vocabularySize: Int?) {
    (self.planner, self.models, self.catalogs, self.vocabularySize) = (planner, models, catalogs, vocabularySize)
  }

  mutating func warn(_ message: String) { warnings.append(message) }

  /// One input that has the tensor.
  private struct Found {
    let source: Int
    let input: MergePlan.Input
    let entry: TensorCatalog.Entry
  }

  /// Adds an output tensor. One that no input has is left out.
  /// - Parameters:
  ///   - pattern: the name, with `*` for the number of the layer.
  ///   - inputs: the tensor's name in each source.
  mutating func add(_ name: String, pattern: String, inputs: [String], position: Double, _ slice: PlannedSlice) throws(MergeError) {
    let found = find(name, inputs, slice)
    guard let first = found.first else { return }
    let isVocabulary = TensorName.isVocabulary(name, rank: first.entry.shape.count)
    let isFloating = first.entry.format.isFloatingPoint
    if let other = found.first(where: { $0.entry.format.isFloatingPoint != isFloating }) {
      throw MergeError(
        .mismatch,
        "\(name) has the format \(first.entry.format.torchName) in \(models[first.input.model]), \(other.entry.format.torchName) in "
          + "\(models[other.input.model]); numbers and codes cannot be merged")
    }
    if found.count < slice.sources.count { return try copyWhatIsThere(name, pattern, found, isVocabulary, slice) }
    try checkShapes(name, found, isVocabulary)
    guard isFloating else { return try copyEqual(name, found, isVocabulary) }

    let inputsOfOperator = zip(slice.sources, inputs).map {
      ParameterResolver.Input(parameters: $0.parameters, tensor: $1, model: $0.model.description, place: $0.place)
    }
    let parameters = try planner.resolver.parameters(
      tensor: name, position: position, slice: slice.parameters, inputs: inputsOfOperator, baseIndex: slice.baseIndex)
    let merge = MergePlan.Merge(
      inputs: found.map(\.input), baseIndex: slice.baseIndex, parameters: parameters, modelNames: inputsOfOperator.map(\.model))
    try append(name, found, .merge(merge), isVocabulary)
  }

  /// Looks the tensor up in each source. A head that a model shares with its embedding is read from there, unless no
  /// source has a head.
  private mutating func find(_ name: String, _ inputs: [String], _ slice: PlannedSlice) -> [Found] {
    var found: [Found] = []
    let isTied = name.hasSuffix(".weight") && TensorName.isHead(name) && slice.sources.contains { catalogs[$0.index][name] != nil }
    for (source, (planned, tensor)) in zip(slice.sources, inputs).enumerated() {
      let catalog = catalogs[planned.index]
      if let entry = catalog[tensor] {
        found.append(Found(source: source, input: .init(model: planned.index, tensor: tensor), entry: entry))
      } else if isTied, let (tied, entry) = Self.embedding(catalog) {
        found.append(Found(source: source, input: .init(model: planned.index, tensor: tied), entry: entry))
        untiesHead = true
      }
    }
    return found
  }

  /// The table that turns tokens into vectors.
  private static func embedding(_ catalog: TensorCatalog) -> (String, TensorCatalog.Entry)? {
    catalog.entries.filter { TensorName.isPre($0.key) && TensorName.isVocabulary($0.key, rank: $0.value.shape.count) }
      .min { TensorName.naturallyPrecedes($0.key, $1.key) }.map { ($0.key, $0.value) }
  }

  private func checkShapes(_ name: String, _ found: [Found], _ isVocabulary: Bool) throws(MergeError) {
    let first = found[0]
    let isAligned = isVocabulary && vocabularySize != nil
    func compared(_ shape: [Int]) -> [Int] { isAligned ? Array(shape.dropFirst()) : shape }
    guard let other = found.first(where: { compared($0.entry.shape) != compared(first.entry.shape) }) else { return }
    let wayOut =
      isVocabulary && first.entry.shape.dropFirst() == other.entry.shape.dropFirst()
      ? "their vocabularies differ; add tokenizer: {source: union} to bring the tokens together"
      : "only models of one architecture and size can be merged; leave one of them out, or take layers whole from one model with slices"
    throw MergeError(
      .mismatch,
      "\(name) has the shape \(first.entry.shape) in \(models[first.input.model]), \(other.entry.shape) in \(models[other.input.model]): \(wayOut)")
  }

  private mutating func copyEqual(_ name: String, _ found: [Found], _ isVocabulary: Bool) throws(MergeError) {
    let first = found[0]
    if let other = found.first(where: { $0.entry.format != first.entry.format }) {
      throw MergeError(
        .mismatch,
        "\(name) has the format \(first.entry.format.torchName) in \(models[first.input.model]), \(other.entry.format.torchName) in "
          + "\(models[other.input.model]); formats without arithmetic must be equal in all inputs")
    }
    let others = found.dropFirst().map(\.input).filter { $0 != first.input }
    try append(name, [first], .copy(first.input, mustEqual: others), isVocabulary)
  }

  /// Takes over a tensor that some inputs lack, from the base or else from the first that has it.
  private mutating func copyWhatIsThere(
    _ name: String, _ pattern: String, _ found: [Found], _ isVocabulary: Bool, _ slice: PlannedSlice
  ) throws(MergeError) {
    let chosen = found.first { $0.source == slice.baseIndex } ?? found[0]
    let missing = slice.sources.indices.filter { index in !found.contains { $0.source == index } }.map { slice.sources[$0].model }
    let gap = Gap(pattern: pattern, missing: missing, from: models[chosen.input.model])
    if gaps[gap] == nil { gapOrder.append(gap) }
    gaps[gap, default: 0] += 1
    try append(name, [chosen], .copy(chosen.input, mustEqual: []), isVocabulary)
  }

  private mutating func append(_ name: String, _ read: [Found], _ action: MergePlan.Action, _ isVocabulary: Bool) throws(MergeError) {
    var shape = read[0].entry.shape
    if isVocabulary, let vocabularySize { shape[0] = vocabularySize }
    var tensor = MergePlan.Tensor(name: name, shape: shape, format: read[0].entry.format, action: action, isVocabulary: isVocabulary)
    if tensor.format.isFloatingPoint {
      let configuration = planner.configuration
      tensor.workFormat = configuration.workFormat
      tensor.format = configuration.outputFormat ?? configuration.workFormat ?? read.dropFirst().reduce(tensor.format) { $0.widened(with: $1.entry.format) }
      for (key, format) in [("dtype", configuration.workFormat), ("out_dtype", configuration.outputFormat)] {
        guard let format, !format.isFloatingPoint else { continue }
        throw configuration.place.error("\(key): \(format.torchName) would cut the weights of \(name) to whole numbers")
      }
    }
    tensors.append(tensor)
    if case .merge = action { summary.merged += 1 } else { summary.copied += 1 }
    var bytes = read.reduce(0) { $0 + $1.entry.bytes }
    if case .copy(_, let others) = action { bytes += others.count * read[0].entry.bytes }
    summary.bytesIn += bytes
    summary.elements += tensor.count
    summary.bytesOut += tensor.bytes
  }

  func finish(layerCount: Int) -> MergePlan {
    let gapWarnings = gapOrder.map { gap in
      let count = gaps[gap] ?? 1
      return "\(gap.pattern)\(count > 1 ? " (\(count) tensors)" : "") is missing from \(gap.missing.map(\.description).joined(separator: ", ")): "
        + "copied from \(gap.from)"
    }
    return MergePlan(
      models: models, tensors: tensors, warnings: warnings + gapWarnings, layerCount: layerCount, untiesHead: untiesHead, summary: summary)
  }
}

extension NumberFormat {
  /// The narrower of the formats that hold the numbers of both. bfloat16 and float16 have only float32 in common.
  func widened(with other: NumberFormat) -> NumberFormat {
    if self == other { return self }
    return self == .float64 || other == .float64 ? .float64 : .float32
  }
}
