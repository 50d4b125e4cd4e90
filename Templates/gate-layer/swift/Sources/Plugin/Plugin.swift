// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Foundation

/// Refuses genomes whose weights file is larger than a limit, and says how large it is.
///
/// A layer is a pure judgement. The same candidate has the same verdict, whatever was judged before or is judged beside it.
struct SizeLimit: GateLayer {
  static let limits = 1.0...1e12
  /// Positions 1 to 10 are the host's own layers.
  let info = GateLayerInfo(
    position: 11, directions: [.inbound, .outbound],
    parameters: [
      ParameterSpecification("maximum_bytes", .integer, default: .number(268_435_456), limits: SizeLimit.limits, "the largest weights file, in bytes")
    ])

  /// What a user set comes with each candidate.
  private func limit(_ policy: String) throws(PluginError) -> Int {
    guard let settings = try? JSONDecoder().decode([String: Double].self, from: Data(policy.utf8)) else {
      throw PluginError(.invalid, "the policy is not a JSON object of numbers: \(policy.prefix(80))")
    }
    if let unknown = settings.keys.filter({ $0 != "maximum_bytes" }).min() { throw PluginError(.invalid, "there is no setting \(unknown.prefix(60))") }
    let limit = settings["maximum_bytes"] ?? 268_435_456
    guard Self.limits.contains(limit), limit == limit.rounded() else {
      throw PluginError(.invalid, "maximum_bytes is \(limit); it is a whole number from 1 to 1,000,000,000,000")
    }
    return Int(limit)
  }

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let limit = try limit(candidate.policyJSON), count = candidate.weights.count
    // Evidence is what a person reads to understand the verdict, so it is given with an acceptance too.
    let evidence = [Verdict.Evidence("weights.bytes", "\(count)"), Verdict.Evidence("limit.bytes", "\(limit)")]
    guard count <= limit else {
      return Verdict(.reject(reason: "the weights have \(count) bytes; maximum_bytes is \(limit)"), evidence: evidence)
    }
    return Verdict(.accept, evidence: evidence)
  }
}

// The door: what the host looks up in the library.
nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: "@ID@", version: "0.1.0", kind: CENTRAM_KIND_GATE_LAYER, summary: "Refuses genomes above a size"
) { pluginInterface($0, .gateLayer { _ in SizeLimit() }) }

@c(centram_plugin_descriptor__@MODULE@) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
