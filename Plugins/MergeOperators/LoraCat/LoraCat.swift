public import CentramPluginAPI

/// The weighted sum of adapters, exactly: A holds the rows wᵢ·sᵢ·Aᵢ below each other, B the columns of the Bᵢ side by
/// side, so B·A = Σ wᵢ sᵢ Bᵢ Aᵢ. The ranks add up.
struct LoraCat: AdapterMerging {
  let info = MergeOperatorInfo(parameters: [.init("weight", .number, .perInput, required: true, "factor of this adapter's change")])

  func merge(_ request: AdapterMergeRequest) throws(PluginError) {
    let (inputs, outputs) = (request.inputs, request.outputs)
    let rank = request.factors.reduce(0) { $0 + $1.rank }
    var a: [Float] = []
    var b = [Float](repeating: 0, count: outputs * rank)
    a.reserveCapacity(rank * inputs)
    var column = 0
    for (input, factors) in request.factors.enumerated() {
      let factor = try request.parameters.requiredNumber("weight", input: input) * factors.scale
      // In float64, so that each element is rounded once.
      for index in 0..<(factors.rank * inputs) { a.append(Float(factor * Double(factors.a[index]))) }
      for row in 0..<outputs {
        for index in 0..<factors.rank { b[row * rank + column + index] = factors.b[row * factors.rank + index] }
      }
      column += factors.rank
    }
    try request.emit(rank: rank, a: a, b: b)
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "merge.lora_cat", version: "1.0.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Exact weighted sum of adapters; the ranks add up"
) { pluginInterface($0, .mergeOperator { _ in LoraCat() }) }

@c(centram_plugin_descriptor__merge_lora_cat) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
