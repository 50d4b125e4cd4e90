public import CentramPluginAPI

/// The payer pays the payee.
struct Transfer: EconomyRule {
  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] {
    [Posting(account: event.payer, microCEN: -event.amount, memo: view.owner(ofGenome: event.subject) ?? ""), Posting(account: event.payee, microCEN: event.amount)]
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "early.economy.transfer", version: "1.0.0", kind: CENTRAM_KIND_ECONOMY_RULE, summary: "The payer pays the payee"
) { pluginInterface($0, .economyRule { _ in Transfer() }) }
@c(centram_plugin_descriptor__early) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
