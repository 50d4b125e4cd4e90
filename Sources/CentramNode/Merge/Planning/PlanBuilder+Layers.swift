/// Which tensors there are, in which order, and where their layers lie.
extension PlanBuilder {
  /// Adds the tensors of whole models.
  /// - Returns: the number of layers.
  mutating func addWholeModels(_ slice: PlannedSlice, _ stacks: [LayerStacks]) throws(MergeError) -> Int {
    let own = slice.sources.map { stacks[$0.index] }
    let names = Set(own.flatMap(\.names)).sorted(by: TensorName.naturallyPrecedes)
    for name in names { try checkCounts(name, slice, own) }
    try addRest(isPre: true, slice, stacks)
    for name in names {
      let count = own.map { $0.count(name) }.max() ?? 0
      for layer in Set(own.flatMap { $0.layers(name) }).sorted() {
        try addLayer(name, output: layer, inputs: own.map { _ in layer }, position: Self.position(layer, of: count), slice, own)
      }
    }
    try addRest(isPre: false, slice, stacks)
    return own.map(\.largest).max() ?? 0
  }

  private func checkCounts(_ name: String, _ slice: PlannedSlice, _ stacks: [LayerStacks]) throws(MergeError) {
    let counted = stacks.indices.filter { stacks[$0].count(name) > 0 }
    guard let first = counted.first, let other = counted.first(where: { stacks[$0].count(name) != stacks[first].count(name) }) else { return }
    throw MergeError(
      .mismatch,
      "\(name): \(slice.sources[first].model) has \(stacks[first].count(name)) layers, "
        + "\(slice.sources[other].model) has \(stacks[other].count(name)); say which belong together with slices and layer_range")
  }

  /// Adds layers of models stacked upon each other. Embeddings are those of the first slice; the final norm and the head
  /// those of the last.
  mutating func addSlices(_ slices: [PlannedSlice], _ stacks: [LayerStacks]) throws(MergeError) -> Int {
    let stack = try commonStack(slices, stacks)
    try addRest(isPre: true, slices[0], stacks)
    var output = 0
    for slice in slices {
      let own = slice.sources.map { stacks[$0.index] }
      let ranges = try ranges(slice, own, stack)
      for layer in 0..<ranges[0].count {
        let inputs = ranges.map { $0.lowerBound + layer }
        try addLayer(stack, output: output, inputs: inputs, position: Self.position(layer, of: ranges[0].count), slice, own)
        output += 1
      }
    }
    try addRest(isPre: false, slices[slices.count - 1], stacks)
    return output
  }

  /// The name before the layers' numbers, the same in all models.
  private func commonStack(_ slices: [PlannedSlice], _ stacks: [LayerStacks]) throws(MergeError) -> String {
    var common: (name: String, model: ModelReference)?
    for source in slices.flatMap(\.sources) {
      let names = stacks[source.index].names
      guard let name = names.first else {
        throw MergeError(.mismatch, "\(source.model) has no numbered layers, so slices cannot be cut from it")
      }
      guard names.count == 1 else {
        throw MergeError(
          .mismatch,
          "\(source.model) has \(names.count) stacks of layers (\(names.joined(separator: ", "))); slices can be cut from a model with one")
      }
      if let common, common.name != name {
        throw MergeError(
          .mismatch,
          "\(common.model) numbers its layers under \(common.name), \(source.model) under \(name): "
            + "models of different architectures cannot be stacked")
      }
      common = (name, source.model)
    }
    return common!.name
  }

  private func ranges(_ slice: PlannedSlice, _ stacks: [LayerStacks], _ stack: String) throws(MergeError) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for (source, own) in zip(slice.sources, stacks) {
      let count = own.count(stack)
      let range = source.layers ?? 0..<count
      let place = source.place ?? slice.place
      guard range.upperBound <= count else {
        throw place.error("layer_range [\(range.lowerBound), \(range.upperBound)] ends behind the last layer: \(source.model) has \(count)")
      }
      if let first = ranges.first, first.count != range.count {
        throw place.error(
          "\(range.count) layers of \(source.model), but \(first.count) of \(slice.sources[0].model); the sources of a slice have equally many")
      }
      ranges.append(range)
    }
    return ranges
  }

  /// Where a layer lies in its slice: 0 for the first, 1 for the last, and 1 for the only one.
  static func position(_ layer: Int, of count: Int) -> Double { count > 1 ? Double(layer) / Double(count - 1) : 1 }

  private mutating func addLayer(
    _ stack: String, output: Int, inputs: [Int], position: Double, _ slice: PlannedSlice, _ stacks: [LayerStacks]
  ) throws(MergeError) {
    var tails: Set<String> = []
    for (own, layer) in zip(stacks, inputs) { tails.formUnion(own.tails[stack]?[layer] ?? []) }
    for tail in tails.sorted(by: TensorName.naturallyPrecedes) {
      try add("\(stack).\(output).\(tail)", pattern: "\(stack).*.\(tail)", inputs: inputs.map { "\(stack).\($0).\(tail)" }, position: position, slice)
    }
  }

  private mutating func addRest(isPre: Bool, _ slice: PlannedSlice, _ stacks: [LayerStacks]) throws(MergeError) {
    let names = slice.sources.reduce(into: Set<String>()) { $0.formUnion(stacks[$1.index].rest) }.filter { TensorName.isPre($0) == isPre }
    for name in names.sorted(by: TensorName.naturallyPrecedes) {
      try add(name, pattern: name, inputs: slice.sources.map { _ in name }, position: 0, slice)
    }
  }
}
