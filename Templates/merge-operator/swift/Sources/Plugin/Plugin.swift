// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// The weighted average of the inputs, w₁x₁ + w₂x₂ + … divided by w₁ + w₂ + …
///
/// The host reads the models, converts number formats, cuts tensors into blocks and schedules cores; an operator is the mathematics.
struct Average: TensorMerging {
  /// What a user may set, for each model: the host fills in the default and refuses what is beyond the limits. The base is averaged as
  /// the others are.
  let info = MergeOperatorInfo(
    needs: .baseAsInput, inputs: 1...1000,
    parameters: [ParameterSpecification("weight", .number, .perInput, default: .number(1), limits: 0...1000, "this model's share")])

  /// One tensor. Everything in `request` is lent until this returns.
  func merge(_ request: MergeRequest) throws(PluginError) {
    guard info.inputs.contains(request.models.count) else {
      throw PluginError(.invalid, "\(request.tensor): \(request.models.count) inputs; this operator takes \(info.inputs)")
    }
    var weights: [Double] = []
    for input in request.models.indices { weights.append(try request.parameters.number("weight", input: input) ?? 1) }
    let sum = weights.reduce(0, +)
    guard sum.isFinite, sum != 0 else {
      throw PluginError(.invalid, "\(request.tensor): the weights sum to \(sum), and a share of that is no number")
    }
    let shares = weights.map { Float($0 / sum) }
    // Each block comes from one of several threads. The result must not depend on where a tensor is cut; work on one element at a
    // time never does.
    try request.forEachBlock { block in
      for index in 0..<block.count {
        var value = shares[0] * block.inputs[0][index]
        for input in 1..<shares.count { value += shares[input] * block.inputs[input][index] }
        block.output[index] = value
      }
    }
  }
}

// The door: what the host looks up in the library.
nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "@ID@", version: "0.1.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Weighted average of the inputs"
) { pluginInterface($0, .mergeOperator { _ in Average() }) }

@c(centram_plugin_descriptor__@MODULE@) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
