public import CentramPluginAPI

/// The sum of all inputs, times a factor.
struct Sum: TensorMerging {
  let info = MergeOperatorInfo(parameters: [.init("factor", .number, .shared, default: .number(2), limits: 0...10, "what the sum is multiplied by")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    let factor = Float(try request.parameters.requiredNumber("factor")), inputs = request.models.count
    try request.forEachBlock { block in
      for index in 0..<block.count {
        var sum: Float = 0
        for input in 0..<inputs { sum += block.inputs[input][index] }
        block.output[index] = factor * sum
      }
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "early.merge.sum", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "A sum"
) { pluginInterface($0, .mergeOperator { _ in Sum() }) }
@c(centram_plugin_descriptor__early) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
