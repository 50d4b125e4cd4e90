internal import CentramModel
internal import CentramNumerics
internal import CentramPluginAPI
internal import Foundation

extension AdapterMergeJob {
  /// Tensors that were trained or saved whole: the weighted mean of those that all adapters have, a copy of the others.
  func addSavedTensors(to contents: inout AdapterContents, _ report: inout AdapterMergeReport) throws(MergeError) {
    let adapted = Set(contents.modules.map { "\($0.name).weight" })
    for name in Set(inputs.flatMap { $0.adapter.savedTensors.keys }).sorted() {
      let owners = inputs.indices.filter { inputs[$0].adapter.savedTensors[name] != nil }
      let isBaseLayer = owners.contains { inputs[$0].adapter.savedBaseLayers.contains(name) } && adapted.contains(name)
      let values = try savedValues(name, owners, isBaseLayer: isBaseLayer, &report)
      contents.saved.append(.init(name: name, isBaseLayer: isBaseLayer, values: values))
    }
    contents.modulesToSave = Set(inputs.flatMap { $0.adapter.configuration.modulesToSave }).sorted()
  }

  private func savedValues(
    _ name: String, _ owners: [Int], isBaseLayer: Bool, _ report: inout AdapterMergeReport
  ) throws(MergeError) -> AdapterContents.Saved.Values {
    let tensors = owners.map { (file: inputs[$0].adapter.file, tensor: inputs[$0].adapter.savedTensors[name]!) }
    let first = tensors[0]
    for (owner, other) in zip(owners, tensors) where other.tensor.shape != first.tensor.shape {
      throw MergeError(
        .mismatch,
        "\(name): \(inputs[owner].name) has the shape \(other.tensor.shape), \(inputs[owners[0]].name) \(first.tensor.shape); they cannot be averaged")
    }
    let copy = AdapterContents.Saved.Values.file(first.file, first.tensor)
    let areEqual = tensors.allSatisfy { other in
      let (one, two) = (first.file.bytes(of: first.tensor), other.file.bytes(of: other.tensor))
      return other.tensor.format == first.tensor.format && (one.isEmpty || memcmp(one.baseAddress!, two.baseAddress!, one.count) == 0)
    }
    if owners.count < inputs.count {
      // The base's own tensor below an adapter says nothing about the adapters that lack it.
      if !(isBaseLayer && areEqual) {
        let have = owners.map { inputs[$0].name }.joined(separator: ", ")
        report.warnings.append("\(name) is not in all adapters (only in \(have)); it is copied from \(inputs[owners[0]].name)")
      }
      return copy
    }
    guard !areEqual else { return copy }
    guard tensors.allSatisfy(\.tensor.format.isFloatingPoint) else {
      report.warnings.append("\(name) holds no floating-point numbers and differs; it is copied from \(inputs[owners[0]].name)")
      return copy
    }
    let weights = try savedWeights(name)
    let sum = weights.reduce(0, +)
    guard sum != 0, sum.isFinite else {
      report.warnings.append("\(name): the weights sum to \(sum), so there is no mean; it is copied from \(inputs[owners[0]].name)")
      return copy
    }
    let shares = weights.map { Float($0 / sum) }
    let sources = tensors.map { MappedSource($0.tensor, of: $0.file) }
    let format = Set(tensors.map(\.tensor.format)).count == 1 ? first.tensor.format : .float32
    return .computed(format: format, shape: first.tensor.shape) { offset, count, floats in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { scratch in
        sources[0].read(offset: offset, count: count, into: scratch.baseAddress!)
        Kernels.scale(shares[0], scratch.baseAddress!, into: floats, count: count)
        for (share, source) in zip(shares, sources).dropFirst() {
          source.read(offset: offset, count: count, into: scratch.baseAddress!)
          Kernels.addScaled(share, scratch.baseAddress!, to: floats, count: count)
        }
      }
    }
  }

  /// One weight an input; 1 where none is set.
  private func savedWeights(_ name: String) throws(MergeError) -> [Double] {
    let module = name.split(separator: ".").dropLast().joined(separator: ".")
    let parameters = try self.parameters(module).withDefaults(operation.info.parameters, inputs: inputs.count)
    var weights: [Double] = []
    for input in inputs.indices {
      do throws(PluginError) {
        weights.append(try parameters.number("weight", input: input) ?? 1)
      } catch {
        throw MergeError(.configuration, error.message)
      }
    }
    return weights
  }
}
