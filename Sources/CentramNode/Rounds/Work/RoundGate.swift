internal import CentramGenome
internal import CentramModel
internal import CentramPluginAPI
internal import CentramStore
public import CentramWire
internal import Foundation
internal import Synchronization

/// The node's gate over the updates of a round's step. An update is no genome, so it is wrapped as one for as long as it is judged, and only the layers
/// that look at content are asked: what signature, freshness, lineage, admission and privacy hold of a genome, commitment and reveal hold of an update.
public struct RoundGate: Sendable {
  /// Left out: they judge who signed a genome, when, and after what.
  static let leftOut = ["gate.signature", "gate.freshness", "gate.lineage", "gate.admission", "gate.privacy"]
  static let consensus = "gate.consensus", norms = "gate.norms", fitness = "gate.fitness", behaviour = "gate.behaviour"

  let judge: GenomeJudge
  /// Nil where the node measures on nothing: then the two layers that run the model are left out.
  let evaluation: NodeEvaluation?
  let key: SigningKey

  public init(_ judge: GenomeJudge, evaluation: NodeEvaluation?, key: SigningKey) { (self.judge, self.evaluation, self.key) = (judge, evaluation, key) }

  /// An update of the step, read.
  struct Candidate: Sendable {
    let hash: Data, blob: AdapterBlob
    let author: NodeKey, domain: String
  }

  /// What the updates are judged as a part of.
  struct Step: Sendable {
    let plan: WireRoundPlan
    let bases: NodeBases
    let start: (adapter: Adapter, key: String)?
    let candidates: [Candidate]
    /// Unix milliseconds.
    let now: Int64
  }

  /// Verdicts that stay as they are however the cohort changes, by update.
  final class Known: Sendable {
    private let verdicts = Mutex<[Data: [GateVerdict]]>([:])
    func of(_ update: Data) -> [GateVerdict] { verdicts.withLock { $0[update] ?? [] } }
    func keep(_ given: [GateVerdict], _ update: Data) { verdicts.withLock { $0[update] = given.filter { $0.layer != RoundGate.consensus } } }
    /// Of a step that is over.
    func forget(except updates: Set<Data>) { verdicts.withLock { $0 = $0.filter { updates.contains($0.key) } } }
  }

  /// - Throws: `.gate` where a layer is missing or cannot judge; `.update` for one that is no adapter.
  func refusals(_ step: Step, except own: NodeKey?, _ known: Known) async throws(RoundError) -> [RoundRefusal] {
    known.forget(except: Set(step.candidates.map(\.hash)))
    let transient = try Self.transient(step)
    var refusals: [RoundRefusal] = []
    for (candidate, update) in zip(step.candidates, transient.list) where candidate.author != own {
      let report = try await report(candidate, update, transient.all, step, known)
      known.keep(report.verdicts, candidate.hash)
      if let refusal = refusal(candidate, report) { refusals.append(refusal) }
    }
    return refusals
  }

  private func report(
    _ candidate: Candidate, _ update: TransientUpdates.Update, _ all: TransientUpdates, _ step: Step, _ known: Known
  ) async throws(RoundError) -> GateReport {
    var files = update.files
    files.context?.transient = all
    var standing: [String: GateVerdict?] = [:]
    for layer in Self.leftOut { standing[layer] = .some(nil) }
    if evaluation?.base != Hexadecimal.text(step.plan.base) { for layer in [Self.fitness, Self.behaviour] { standing[layer] = .some(nil) } }
    let before = known.of(candidate.hash)
    for verdict in before where standing[verdict.layer] == nil { standing[verdict.layer] = .some(verdict) }
    // What refused before refuses again, without being asked.
    if let last = before.last, !last.passes {
      return GateReport(contentHash: last.contentHash, direction: .inbound, outcome: .rejected(layer: last.layer, reason: last.reason), verdicts: before)
    }
    var report = try await ask(files, standing)
    if case .quarantined(Self.consensus, _) = report.outcome {
      // It has neither enough others nor an update of this node's to compare with; a round cannot wait until it has.
      for verdict in report.verdicts where standing[verdict.layer] == nil { standing[verdict.layer] = .some(verdict) }
      standing[Self.consensus] = .some(nil)
      report = try await ask(files, standing)
    }
    guard !report.isNodesFault else { throw RoundError(.gate, Self.reason(report)) }
    if !before.contains(where: { $0.layer == Self.fitness }) {
      do throws(GenomePackageError) { try evaluation?.didJudgeTransient(report) } catch { throw RoundError(.gate, error.message) }
    }
    return report
  }

  private func ask(_ files: GenomeFiles, _ standing: [String: GateVerdict?]) async throws(RoundError) -> GateReport {
    do throws(GateError) { return try await judge.check(files, .inbound, standing: standing) } catch {
      throw RoundError(error.code == .cancelled ? .cancelled : .gate, error.message)
    }
  }

  /// Nil where it passes. An update counts whole or not at all, so what `gate.norms` would scale down is too large.
  private func refusal(_ candidate: Candidate, _ report: GateReport) -> RoundRefusal? {
    let scaled = report.verdicts.first { $0.layer == Self.norms && ($0.factor ?? 1) < 1 }
    guard let verdict = scaled ?? (report.isAccepted ? nil : report.verdicts.last) else { return nil }
    var record = VerdictRecord(verdict)
    // Of the update as the round names it. What was measured stays here: it would tell of the hold-out.
    (record.genome, record.evidence) = (Hexadecimal.text(candidate.hash), [])
    if scaled != nil { (record.decision, record.factor) = (.reject, nil) }
    let signed = try? WireSigned(WireVerdict(record, policy: judge.policyDigest, disabled: judge.disabledLayers), by: key, domain: .verdict)
    return RoundRefusal(update: candidate.hash, layer: verdict.layer, reason: verdict.reason, isLocal: verdict.layer == Self.fitness, verdict: signed)
  }

  private static func reason(_ report: GateReport) -> String { report.verdicts.last?.reason ?? "no layer judged" }

  // MARK: Updates as genomes

  private static func transient(_ step: Step) throws(RoundError) -> (list: [TransientUpdates.Update], all: TransientUpdates) {
    var list: [TransientUpdates.Update] = []
    for candidate in step.candidates { list.append(try update(candidate, step)) }
    let all = TransientUpdates(
      bases: step.bases, start: step.start, updates: Dictionary(list.map { (Hexadecimal.text($0.reference.contentHash), $0) }) { first, _ in first })
    return (list, all)
  }

  private static func update(_ candidate: Candidate, _ step: Step) throws(RoundError) -> TransientUpdates.Update {
    let blob = candidate.blob, kind = GenomeKind.adapter, base = Hexadecimal.text(step.plan.base), author = Hexadecimal.text(candidate.author.bytes)
    let files = [Manifest.File(name: GenomeKind.configurationFile, bytes: blob.configuration), Manifest.File(name: kind.weightsFile, bytes: blob.tensors)]
    let hash = ContentHash.of(files), domain = candidate.domain.isEmpty ? "round" : candidate.domain
    let manifest = Manifest(
      id: Hexadecimal.text(hash), base: base, kind: kind, files: files, author: author, madeMilliseconds: step.now, domain: domain,
      trainer: .init(id: step.plan.trainer.id, version: step.plan.trainer.version), license: "NOASSERTION", agent: "centram-round")
    do throws(GenomeError) {
      let made = GenomeFiles(manifest: try manifest.encoded(), configuration: blob.configuration, weights: blob.tensors, context: GateContext(base: base, author: author))
      let reference = UpdateReference(contentHash: hash, author: author)
      let stored: StoredUpdate
      do throws(GenomePackageError) { stored = try StoredUpdate(made, isAdapter: true) } catch { throw GenomeError(.malformed, error.message) }
      return TransientUpdates.Update(reference: reference, domain: domain, files: made, adapter: blob.adapter, stored: stored)
    } catch { throw RoundError(.update, "it cannot be judged: \(error.message)") }
  }
}

extension GateVerdict {
  /// Why it refuses or scales; empty where it does neither.
  var reason: String {
    switch decision {
    case .accept: ""
    case .scale(_, let reason), .quarantine(let reason), .reject(let reason): reason
    @unknown default: "a verdict that this node does not know"
    }
  }
}
