internal import CentramLanes
internal import CentramPluginAPI

/// An operator's abilities in another process, each by itself: an isolated operator has the protocols that the plugin has, and no other.
private protocol RemoteTensors: TensorMerging, BringsBlockMemory { var tensors: IsolatedMergeOperator { get } }
private protocol RemoteAdapters: AdapterMerging { var calls: AdapterCalls { get } }
private protocol RemoteExtraction: AdapterExtracting { var calls: AdapterCalls { get } }

extension RemoteTensors {
  var blockMemory: any BlockMemory { tensors.blockMemory }
  func merge(_ request: MergeRequest) throws(PluginError) { try tensors.merge(request) }
}

extension RemoteAdapters {
  func merge(_ request: AdapterMergeRequest) throws(PluginError) { try calls.merge(request) }
}

extension RemoteExtraction {
  func extract(
    _ matrix: UnsafeBufferPointer<Float>, outputs: Int, inputs: Int, maximumRank: Int, threshold: Double, distributeScale: Bool
  ) throws(PluginError) -> LowRankFactors {
    try calls.extract(matrix, outputs: outputs, inputs: inputs, maximumRank: maximumRank, threshold: threshold, distributeScale: distributeScale)
  }
}

private struct Adapters: RemoteAdapters { let info: MergeOperatorInfo, calls: AdapterCalls }
private struct Extraction: RemoteExtraction { let info: MergeOperatorInfo, calls: AdapterCalls }
private struct AdaptersAndExtraction: RemoteAdapters, RemoteExtraction { let info: MergeOperatorInfo, calls: AdapterCalls }
private struct TensorsAndAdapters: RemoteTensors, RemoteAdapters { let info: MergeOperatorInfo, calls: AdapterCalls, tensors: IsolatedMergeOperator }
private struct TensorsAndExtraction: RemoteTensors, RemoteExtraction { let info: MergeOperatorInfo, calls: AdapterCalls, tensors: IsolatedMergeOperator }
private struct AllAbilities: RemoteTensors, RemoteAdapters, RemoteExtraction { let info: MergeOperatorInfo, calls: AdapterCalls, tensors: IsolatedMergeOperator }

extension MergeAbilities {
  /// The operator with these abilities; nil where there is none of them.
  func operation(_ info: MergeOperatorInfo, _ instance: RemoteInstance) -> (any MergeOperator)? {
    let calls = AdapterCalls(instance: instance), tensors = IsolatedMergeOperator(info: info, instance: instance)
    switch (contains(.tensors), contains(.adapters), contains(.extraction)) {
    case (true, false, false): return tensors
    case (false, true, false): return Adapters(info: info, calls: calls)
    case (false, false, true): return Extraction(info: info, calls: calls)
    case (false, true, true): return AdaptersAndExtraction(info: info, calls: calls)
    case (true, true, false): return TensorsAndAdapters(info: info, calls: calls, tensors: tensors)
    case (true, false, true): return TensorsAndExtraction(info: info, calls: calls, tensors: tensors)
    case (true, true, true): return AllAbilities(info: info, calls: calls, tensors: tensors)
    case (false, false, false): return nil
    }
  }
}
