internal import CentramGenome
internal import CentramHost
package import CentramNode
package import CentramPluginAPI
package import CentramStore
internal import Foundation

/// A gate of one layer that decides by a rule, over the genomes of a store. It keeps verdicts and states as a node's gate does.
package final class JudgeDouble: GenomeJudging {
  /// What the layer says of a genome that goes a way.
  package typealias Rule = @Sendable (GenomeRecord, GateDirection) -> Verdict.Decision

  private let store: GenomeStore
  private let pipeline: GatePipeline
  private let now: @Sendable () -> Int64
  private let mayLeave: @Sendable (GenomeRecord) -> Bool

  package init(
    store: GenomeStore, clock: any ClockService, rule: @escaping Rule = { _, _ in .accept }, mayLeave: @escaping @Sendable (GenomeRecord) -> Bool = { _ in true }
  ) throws {
    (self.store, self.mayLeave) = (store, mayLeave)
    now = { clock.unixMilliseconds }
    pipeline = try GatePipeline(settings: GateSettings(required: []), layers: OneLayer(store: store, rule: rule), clock: clock, store: NoVerdicts())
  }

  package var policyDigest: [UInt8] { pipeline.policyDigest }
  package var disabledLayers: [String] { [] }

  package func willLeave(_ id: String) async throws(GateError) {
    guard let record = try? store.genome(id), mayLeave(record) else { throw GateError(.refused, "\(id): others left meanwhile") }
  }

  package func judge(_ id: String, _ direction: GateDirection) async throws(GateError) -> GateReport {
    let record: GenomeRecord
    var configuration: [UInt8] = [], weights: [UInt8] = []
    do throws(StoreError) {
      record = try store.genome(id)
      for file in record.files {
        let bytes = try store.read(file.hash)
        if file.name == "adapter_config.json" { configuration = bytes } else { weights = bytes }
      }
    } catch { throw GateError(.storage, error.message) }
    let lent = UnsafeMutableRawBufferPointer.allocate(byteCount: weights.count, alignment: 64)
    defer { lent.deallocate() }
    lent.copyBytes(from: weights)
    let report = try await pipeline.judge(
      direction, manifest: record.manifest, signature: record.signature, configuration: configuration, weights: UnsafeRawBufferPointer(lent))
    do throws(StoreError) { try keep(report, record) } catch { throw GateError(.storage, error.message) }
    return report
  }

  private func keep(_ report: GateReport, _ record: GenomeRecord) throws(StoreError) {
    let verdicts = report.verdicts.map { verdict in
      var kept = VerdictRecord(
        genome: record.id, direction: verdict.direction == .inbound ? .inbound : .outbound, layer: verdict.layer, layerVersion: verdict.version, decision: .accept,
        timeMilliseconds: verdict.decidedMilliseconds)
      switch verdict.decision {
      case .scale(let factor, let reason): (kept.decision, kept.factor, kept.reason) = (.scale, factor, reason)
      case .quarantine(let reason): (kept.decision, kept.reason) = (.quarantine, reason)
      case .reject(let reason): (kept.decision, kept.reason) = (.reject, reason)
      default: break
      }
      return kept
    }
    guard report.direction == .inbound else { return try store.add(verdicts) }
    let state: GenomeState =
      switch report.outcome {
      case .accepted: .accepted
      case .quarantined: .quarantined
      case .rejected: .rejected
      }
    try store.decide(record.id, state, verdicts: verdicts, advancesLog: true, now: now())
  }
}

private struct OneLayer: GateLayerSource {
  let store: GenomeStore, rule: JudgeDouble.Rule
  var layerIds: [String] { ["gate.double"] }
  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer { LoadedGateLayer(id: id, version: "1.0.0", layer: Layer(store: store, rule: rule)) }

  private struct Layer: GateLayer {
    let store: GenomeStore, rule: JudgeDouble.Rule
    let info = GateLayerInfo(position: 1, directions: [.inbound, .outbound])

    func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
      guard let record = try? store.genome(Hexadecimal.text(candidate.contentHash)) else { return Verdict(.reject(reason: "the files are not those of the genome")) }
      return Verdict(rule(record, candidate.direction), evidence: [.init("size", "\(record.size)")])
    }
  }
}

private struct NoVerdicts: VerdictStore {
  func keep(_ report: GateReport) {}
}
