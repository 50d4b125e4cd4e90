public import CentramPluginAPI

/// A gate whose judgements count against the hold-out that they were made on.
public struct MeasuredJudge: GenomeJudging {
  private let judge: any GenomeJudging
  private let evaluation: NodeEvaluation
  public init(_ judge: any GenomeJudging, on evaluation: NodeEvaluation) { (self.judge, self.evaluation) = (judge, evaluation) }

  public func judge(_ id: String, _ direction: GateDirection) async throws(GateError) -> GateReport {
    let report = try await judge.judge(id, direction)
    do throws(GenomePackageError) { try evaluation.didJudge(report) } catch { throw GateError(.storage, error.message) }
    return report
  }

  public func willLeave(_ id: String) async throws(GateError) { try await judge.willLeave(id) }
  public var policyDigest: [UInt8] { judge.policyDigest }
  public var disabledLayers: [String] { judge.disabledLayers }
}
