public import CentramPluginAPI

/// The cheapest plugin that there can be: what is left of a call to it is the boundary.
struct Ping: EconomyRule {
  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] { [] }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "test.ping", version: "1.0.0", kind: CENTRAM_KIND_ECONOMY_RULE, summary: "Posts nothing"
) { pluginInterface($0, .economyRule { _ in Ping() }) }

@c(centram_plugin_descriptor__test_ping) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
