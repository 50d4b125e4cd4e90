// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Half-way between the smallest and the largest input, element by element, times `gain`.
struct Midrange: TensorMerging {
  let info = MergeOperatorInfo(
    needs: .baseAsInput,
    parameters: [.init("gain", .number, .shared, default: .number(1), limits: 0...10, "factor on the result")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    let gain = Float(try request.parameters.requiredNumber("gain"))
    let inputs = request.models.count
    try request.forEachBlock { block in
      for index in 0..<block.count {
        var low = block.inputs[0][index], high = low
        for input in 1..<max(1, inputs) {
          low = min(low, block.inputs[input][index])
          high = max(high, block.inputs[input][index])
        }
        block.output[index] = gain * (0.5 * low + 0.5 * high)
      }
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "example.merge.midrange", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Half-way between the extremes"
) { pluginInterface($0, .mergeOperator { _ in Midrange() }) }

@c(centram_plugin_descriptor__midrange) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
