internal import CentramModel
internal import Foundation

/// Where the elements of every input come from: a mapped tensor, with an adapter's change, rounded, moved to other rows.
struct TensorSources {
  private let models: OpenedModels
  private let plan: MergePlan
  private let vocabulary: VocabularyPlan?

  init(_ models: OpenedModels, plan: MergePlan, vocabulary: VocabularyPlan?) throws(MergeError) {
    (self.models, self.plan, self.vocabulary) = (models, plan, vocabulary)
  }

  private func entry(_ input: MergePlan.Input) throws(MergeError) -> Checkpoint.Entry {
    let reference = plan.models[input.model]
    guard let entry = try models.checkpoint(reference).entry(input.tensor) else {
      throw MergeError(.input, "\(reference): \(input.tensor) is not there")
    }
    return entry
  }

  /// - Parameter inputs: all inputs of the tensor: where vocabularies are aligned, they lend each other rows.
  func source(_ input: MergePlan.Input, of tensor: MergePlan.Tensor, among inputs: [MergePlan.Input]) throws(MergeError) -> any TensorSource {
    guard tensor.isVocabulary, let vocabulary else { return try plain(input, tensor.workFormat) }
    let columns = try entry(input).tensor.shape.dropFirst().reduce(1, *)
    var lenders: [(any TensorSource)?] = []
    for model in vocabulary.models {
      let other = inputs.first { plan.models[$0.model].description == model.reference }
      lenders.append(try other.map { (input) throws(MergeError) in try plain(input, tensor.workFormat) })
    }
    guard let own = vocabulary.models.firstIndex(where: { $0.reference == plan.models[input.model].description }) else {
      throw MergeError(.input, "\(plan.models[input.model]) has no vocabulary")
    }
    return try AlignedRowsSource(plan: vocabulary, model: own, columns: columns, sources: lenders)
  }

  private func plain(_ input: MergePlan.Input, _ format: NumberFormat?) throws(MergeError) -> any TensorSource {
    let entry = try entry(input)
    var source: any TensorSource = MappedSource(entry.tensor, of: entry.file)
    if let adapter = models.adapter(plan.models[input.model]) {
      source = try AdaptedSource.source(of: input.tensor, shape: entry.tensor.shape, base: source, adapter: adapter)
    }
    guard let format = format?.floating, format != entry.tensor.format.floating || models.adapter(plan.models[input.model]) != nil else { return source }
    return RoundedSource(source, to: format)
  }

  /// The tensor's bytes where they can stand in the output as they are.
  func unchangedBytes(_ input: MergePlan.Input, for tensor: MergePlan.Tensor) throws(MergeError) -> UnsafeRawBufferPointer? {
    let entry = try entry(input)
    guard entry.tensor.format == tensor.format, entry.tensor.shape == tensor.shape, !(tensor.isVocabulary && vocabulary != nil) else { return nil }
    guard tensor.workFormat == nil || tensor.workFormat == tensor.format || !tensor.format.isFloatingPoint else { return nil }
    if let adapter = models.adapter(plan.models[input.model]), adapter.changes(input.tensor) { return nil }
    return entry.file.bytes(of: entry.tensor)
  }

  /// Numbers that are no fractions cannot be merged, so all inputs must agree on them.
  func checkEqual(_ input: MergePlan.Input, _ others: [MergePlan.Input], _ name: String) throws(MergeError) {
    let first = try entry(input)
    let bytes = first.file.bytes(of: first.tensor)
    for other in others {
      let entry = try entry(other)
      let theirs = entry.file.bytes(of: entry.tensor)
      guard bytes.count == theirs.count, bytes.count == 0 || memcmp(bytes.baseAddress!, theirs.baseAddress!, bytes.count) == 0 else {
        throw MergeError(
          .mismatch,
          "\(name) holds \(first.tensor.format.torchName) and differs between \(plan.models[input.model]) and \(plan.models[other.model]); only floating-point tensors can be merged"
        )
      }
    }
  }
}

extension Adapter {
  /// Whether the tensor of the base is another one with this adapter.
  func changes(_ tensor: String) -> Bool { module(forTensor: tensor) != nil || savedTensors[tensor] != nil }
}
