public import CentramPluginAPI

/// Judges genomes of the store. What asks for a judgement (an exchange, a training round, a command) knows no more of the gate than this.
public protocol GenomeJudging: Sendable {
  /// Judges a genome whose files are all here, keeps each layer's verdict, and sets its state.
  /// - Throws: `storage`, `cancelled`; a refusal is no error.
  func judge(_ id: String, _ direction: GateDirection) async throws(GateError) -> GateReport
  /// To be called before the first byte of a genome leaves the node: from then on its training counts in the node's privacy account.
  /// - Throws: `refused` where other genomes left since its outbound judgement, and it may no longer; `storage`.
  func willLeave(_ id: String) async throws(GateError)
  /// SHA-256 of the policy in force: told to peers, and stated in signed verdicts.
  var policyDigest: [UInt8] { get }
  /// Ids of layers that are switched off.
  var disabledLayers: [String] { get }
}

extension GenomeJudging {
  /// For judges without an account.
  public func willLeave(_ id: String) async throws(GateError) {}
}
