internal import CentramPluginAPI

/// An economy rule in another process; the view's answers go there one by one.
struct IsolatedEconomyRule: EconomyRule {
  private let instance: RemoteInstance

  init(_ process: IsolatedProcess, _ environment: PluginEnvironment) throws(PluginError) {
    instance = RemoteInstance(process, configurationJSON: environment.configurationJSON)
    try instance.create { (_) throws(ChannelError) in }
  }

  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] {
    var writer = MessageWriter()
    writer.add(event)
    return try instance.call(
      .postings, writer.bytes,
      serve: { (_, message) throws(CallFailure) in
        do throws(ChannelError) { return try Self.answer(message, view) } catch { throw .lost(error) }
      }
    ) { (it) throws(ChannelError) in try it.postings() }
  }

  private static func answer(_ message: Message, _ view: any LedgerView) throws(ChannelError) -> [UInt8] {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    let name = try reader.text(limit: 4096)
    try reader.end()
    switch message.operation {
    case .owner: writer.add(optional: view.owner(ofGenome: name)) { $0.add($1) }
    case .generation: writer.add(optional: view.generation(ofGenome: name)) { $0.add(Int64($1)) }
    case .balance: writer.add(optional: view.balance(ofAccount: name)) { $0.add($1) }
    case .parents:
      writer.add(view.parents(ofGenome: name)) { writer, parent in
        writer.add(parent.id)
        writer.add(Int64(parent.basisPoints))
      }
    default: throw .broken("\(message.operation) was asked for by an economy rule")
    }
    return writer.bytes
  }
}
