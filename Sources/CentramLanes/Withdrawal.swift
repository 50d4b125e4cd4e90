package import CentramPluginAPI
internal import Synchronization

/// Whether a plugin in this process may be used still. Its library cannot be unloaded, so what was made of it asks before each use.
package final class Withdrawal: Sendable {
  private let reason = Mutex<String?>(nil)

  package init() {}

  /// - Parameter reason: a sentence's end, such as `the key that signed it was revoked on …`; nil: it may be used.
  package func set(_ reason: String?) { self.reason.withLock { $0 = reason } }

  fileprivate func require() throws(PluginError) {
    if let reason = reason.withLock({ $0 }) { throw PluginError(.unavailable, "the plugin was withdrawn: \(reason)") }
  }
}

extension Capability {
  /// The same capability, whose instances throw `.unavailable` from the moment of a withdrawal on: gate layers at each candidate, economy rules at each
  /// event, transports at each address. Merge operators and trainers are made for one job, which goes on.
  package func heeding(_ withdrawal: Withdrawal) -> Capability {
    switch self {
    case .gateLayer(let make): .gateLayer { (it) throws(PluginError) in HeedingGateLayer(base: try make(it), withdrawal: withdrawal) }
    case .economyRule(let make): .economyRule { (it) throws(PluginError) in HeedingEconomyRule(base: try make(it), withdrawal: withdrawal) }
    case .transport(let make): .transport { (it) throws(PluginError) in HeedingTransport(base: try make(it), withdrawal: withdrawal) }
    default: self
    }
  }
}

// What a later API adds to one of these protocols is handed on here too.
private struct HeedingGateLayer: GateLayer {
  let base: any GateLayer
  let withdrawal: Withdrawal
  var info: GateLayerInfo { base.info }

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    try withdrawal.require()
    return try await base.judge(candidate)
  }
}

private struct HeedingEconomyRule: EconomyRule {
  let base: any EconomyRule
  let withdrawal: Withdrawal

  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] {
    try withdrawal.require()
    return try base.postings(for: event, in: view)
  }
}

/// Listeners and connections that there are go on: they are the node's, and end with it.
private struct HeedingTransport: Transport {
  let base: any Transport
  let withdrawal: Withdrawal
  var info: TransportInfo { base.info }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    try withdrawal.require()
    return try await base.listen(on: address)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    try withdrawal.require()
    return try await base.dial(address, expecting: expected)
  }
}
