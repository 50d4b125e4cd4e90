internal import CentramLanes
internal import CentramPluginAPI

extension RunnerChannel {
  func judge(_ layer: any GateLayer, _ reader: inout MessageReader) throws(PluginError) -> Verdict {
    let (direction, hash, manifest, signature, configuration, policy, memory, size) = try PluginRunner.known { () throws(ChannelError) in
      (
        try reader.number(Int32.self), try reader.list(), try reader.list(), try reader.list(), try reader.list(), try reader.text(limit: Message.sizeLimit),
        try reader.number(UInt32.self), try reader.size(limit: .max)
      )
    }
    let shared = try state.shared(memory)
    guard let direction = GateDirection(rawValue: direction), size <= shared.inputs.count else {
      throw PluginError(.invalid, "direction \(direction), or \(size) bytes of weights in \(shared.inputs.count)")
    }
    let candidate = GenomeCandidate(
      direction: direction, contentHash: hash, manifest: manifest, manifestSignature: signature, adapterConfiguration: configuration,
      weights: UnsafeRawBufferPointer(rebasing: shared.inputs[..<size]), policyJSON: policy)
    return try OwnThread.wait { () -> Result<Verdict, PluginError> in
      do throws(PluginError) { return .success(try await layer.judge(candidate)) } catch { return .failure(error) }
    }.get()
  }
}

/// The host's ledger, asked one question at a time.
struct RemoteLedger: LedgerView {
  let channel: RunnerChannel

  func owner(ofGenome id: String) -> String? { ask(.owner, id) { (it) throws(ChannelError) in try it.optional { (it) throws(ChannelError) in try it.text() } } ?? nil }

  func generation(ofGenome id: String) -> Int? {
    ask(.generation, id) { (it) throws(ChannelError) in try it.optional { (it) throws(ChannelError) in Int(try it.number(Int64.self)) } } ?? nil
  }

  func parents(ofGenome id: String) -> [LineageEntry.Parent] {
    ask(.parents, id) { (it) throws(ChannelError) in
      try it.elements(elementSize: 12) { (it) throws(ChannelError) in
        LineageEntry.Parent(id: try it.text(), basisPoints: Int(try it.number(Int64.self)))
      }
    } ?? []
  }

  func balance(ofAccount account: String) -> Int64? {
    ask(.balance, account) { (it) throws(ChannelError) in try it.optional { (it) throws(ChannelError) in try it.number(Int64.self) } } ?? nil
  }

  private func ask<Value>(_ operation: Operation, _ name: String, _ read: (inout MessageReader) throws(ChannelError) -> Value) -> Value? {
    // Longer names than these name nothing.
    guard name.utf8.count <= 4096 else { return nil }
    var writer = MessageWriter()
    writer.add(name)
    return try? channel.ask(operation, writer.bytes, read)
  }
}
