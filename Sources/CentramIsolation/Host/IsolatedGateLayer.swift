internal import CentramLanes
internal import CentramPluginAPI

/// A gate layer in another process. The weights lie in memory that it can only read.
struct IsolatedGateLayer: GateLayer {
  let info: GateLayerInfo
  private let instance: RemoteInstance

  init(_ process: IsolatedProcess, _ environment: PluginEnvironment) throws(PluginError) {
    instance = RemoteInstance(process, configurationJSON: environment.configurationJSON)
    info = try instance.create { (it) throws(ChannelError) in try it.gateLayerInfo() }
  }

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let instance = instance
    let result = await OwnThread.run("isolated gate layer") { () -> Result<Verdict, PluginError> in
      Result { () throws(PluginError) in try Self.verdict(instance, candidate) }
    }
    return try result.get()
  }

  private static func verdict(_ instance: RemoteInstance, _ candidate: GenomeCandidate) throws(PluginError) -> Verdict {
    let pool = instance.process.blocks
    let memory = try pool.take(inputs: candidate.weights.count, output: 1)
    defer { pool.giveBack(memory) }
    UnsafeMutableRawBufferPointer(rebasing: memory.inputs[..<candidate.weights.count]).copyMemory(from: candidate.weights)
    var writer = MessageWriter()
    writer.add(candidate.direction.rawValue)
    for bytes in [candidate.contentHash, candidate.manifest, candidate.manifestSignature, candidate.adapterConfiguration] { writer.add(bytes) }
    writer.add(candidate.policyJSON)
    writer.add(memory.id)
    writer.add(UInt64(candidate.weights.count))
    return try instance.call(.judge, writer.bytes, sharing: memory) { (it) throws(ChannelError) in try it.verdict() }
  }
}
