public import CentramPluginAPI

/// Version 1.1.0 of a plugin that hot-swap tests exchange: it writes 2, or where its buffers lie.
struct Swap: TensorMerging {
  let info = MergeOperatorInfo(parameters: [.init("probe", .boolean, .shared, "write the buffers' addresses instead")])

  func merge(_ request: MergeRequest) throws(PluginError) {
    let isProbe = try request.parameters.flag("probe")
    try request.forEachBlock { block in
      for index in 0..<(isProbe ? 0 : block.count) { block.output[index] = 2 }
      if isProbe {
        UnsafeMutableRawPointer(block.output).storeBytes(of: (UInt(bitPattern: block.inputs[0]), UInt(bitPattern: block.output)), as: (UInt, UInt).self)
      }
    }
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "test.swap", version: "1.1.0", kind: CENTRAM_KIND_MERGE_OPERATOR, summary: "Writes 2"
) { pluginInterface($0, .mergeOperator { _ in Swap() }) }

@c(centram_plugin_descriptor__test_swap_b) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
