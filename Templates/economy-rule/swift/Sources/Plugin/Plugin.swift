// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation

/// Of each payment a flat fee goes to the genome that earned it, half to its owner and half to its parents' owners.
///
/// A rule is a pure function in integers: the same event and view give the same postings in the same order, and these sum to zero.
struct FlatFee: EconomyRule {
  /// Micro-CEN.
  let fee: Int64

  /// - Parameter configurationJSON: the operator's settings, `{"fee": 1000}`.
  init(configurationJSON: String) throws(PluginError) {
    guard let settings = try? JSONDecoder().decode([String: Int64].self, from: Data(configurationJSON.utf8)) else {
      throw PluginError(.invalid, "the settings are not a JSON object of whole numbers: \(configurationJSON.prefix(80))")
    }
    if let unknown = settings.keys.filter({ $0 != "fee" }).min() { throw PluginError(.invalid, "there is no setting \(unknown.prefix(60))") }
    fee = settings["fee"] ?? 1000
    guard (0...1_000_000_000_000).contains(fee) else {
      throw PluginError(.invalid, "fee is \(fee); it is from 0 to 1,000,000,000,000 micro-CEN")
    }
  }

  func postings(for event: EconomyEvent, in view: any LedgerView) throws(PluginError) -> [Posting] {
    // An event that this rule is not about moves nothing.
    guard event.type == "payment", event.amount != 0 else { return [] }
    guard event.amount > 0 else { throw PluginError(.invalid, "a payment of \(event.amount) micro-CEN; it is 0 or more") }
    guard !event.payer.isEmpty, !event.payee.isEmpty else { throw PluginError(.invalid, "a payment names its payer and its payee") }
    let owner = view.owner(ofGenome: event.subject) ?? ""
    let fee = owner.isEmpty ? 0 : min(fee, event.amount)
    var postings = [
      Posting(account: event.payer, microCEN: -event.amount, memo: "payment"),
      Posting(account: event.payee, microCEN: event.amount - fee, memo: "payment less the fee"),
    ]
    // Shares are rounded down, and what rounding leaves stays with the genome's owner: then the sum is exact whatever the numbers are.
    var left = fee
    for parent in view.parents(ofGenome: event.subject) {
      guard (1...10_000).contains(parent.basisPoints), let account = view.owner(ofGenome: parent.id), !account.isEmpty else { continue }
      let share = fee / 2 * Int64(parent.basisPoints) / 10_000  // at most 1e12 · 10,000, which fits
      guard share > 0, share <= left else { continue }
      postings.append(Posting(account: account, microCEN: share, memo: "fee, to a parent"))
      left -= share
    }
    if left > 0 { postings.append(Posting(account: owner, microCEN: left, memo: "fee, to the genome")) }
    return postings
  }
}

// The door: what the host looks up in the library.
nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "@ID@", version: "0.1.0", kind: CENTRAM_KIND_ECONOMY_RULE, summary: "A flat fee for a genome and its parents"
) { pluginInterface($0, .economyRule { (environment) throws(PluginError) in try FlatFee(configurationJSON: environment.configurationJSON) }) }

@c(centram_plugin_descriptor__@MODULE@) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
