internal import CentramGenome
internal import CentramNumerics
internal import CentramStore

/// Takes accepted genomes into the node's model, one after the other, and keeps what measures better.
///
/// A genome is tried on the hold-out; where the model becomes better by the bootstrap's bound, the merged files become the node's next genome and the model
/// in use is switched to it in one durable step. Until that step nothing of the model has changed, and after it the former model is one step back, its files
/// untouched. A process that dies in between leaves the one or the other.
public struct Evolution: Sendable {
  /// A moment at which a crash must leave the old model or the new one.
  public enum Step: String, Sendable, CaseIterable { case measured, merged, genomeKept, switched }

  public struct Options: Sendable {
    /// Program and version, stated in manifests.
    public var agent = "centram"
    /// Called at each step; tests end the process in it.
    public var reached: (@Sendable (Step) -> Void)?
    /// Called before a genome is measured.
    public var progress: @Sendable (_ genome: String, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    public init() {}
  }

  public let settings: EvolutionSettings
  /// SHA-256 of the base model.
  public let base: String
  let library: GenomeLibrary
  let merge: GenomeMerge
  let measuring: any ModelMeasuring
  let options: Options
  /// The versions of the operators that recipes name.
  let operatorVersion: @Sendable (String) -> String?

  var store: GenomeStore { library.store }

  /// - Parameter operatorVersion: the version of a merge operator that is here, by its id.
  public init(
    library: GenomeLibrary, merge: GenomeMerge, measuring: any ModelMeasuring, base: String, settings: EvolutionSettings = .init(), options: Options = .init(),
    operatorVersion: @escaping @Sendable (String) -> String?
  ) {
    (self.library, self.merge, self.measuring, self.base, self.settings, self.options) = (library, merge, measuring, base, settings, options)
    self.operatorVersion = operatorVersion
  }

  /// Tries every accepted genome that is not part of the model, the one with the largest lift at the gate first, after the node's own trained genome where
  /// the model is the base alone.
  /// - Parameters:
  ///   - retries: whether genomes that were taken out by the operator or by a revocation of another are tried, too.
  ///   - isCancelled: asked before each genome.
  public func step(retries: Bool = false, isCancelled: () -> Bool = { Task.isCancelled }) async throws(GenomePackageError) -> EvolutionReport {
    var lines: [EvolutionReport.Line] = []
    let candidates = try candidates(retries: retries)
    for (place, candidate) in candidates.enumerated() {
      guard !isCancelled() else { throw GenomePackageError(.cancelled, "cancelled after \(place) of \(candidates.count) genomes; those that were kept stay") }
      options.progress(candidate.record.id, place, candidates.count)
      lines.append(try await tried(candidate))
    }
    options.progress("", candidates.count, candidates.count)
    return EvolutionReport(lines: lines, model: try EvolutionState.current(in: store).model, ownDomain: try ownDomain())
  }

  /// What an exchange calls with a genome that the gate let in.
  public func accept(_ id: String, _ report: GateReport) async throws(GenomePackageError) -> EvolutionReport.Line {
    let record = try GenomePackageError.storing { () throws(StoreError) in try store.genome(id) }
    var factor = 1.0
    if case .accepted(let found) = report.outcome { factor = found }
    return try await tried(Candidate(record: record, factor: factor, isOwn: false))
  }

  /// A genome to try.
  struct Candidate: Sendable {
    let record: GenomeRecord
    /// What the gate let in of it.
    let factor: Double
    /// Trained here: it may be better on the node's own domain alone.
    let isOwn: Bool
  }

  func candidates(retries: Bool) throws(GenomePackageError) -> [Candidate] {
    let state = try EvolutionState.current(in: store)
    let merged = Set(state.history.map(\.genome))
    let decided = Dictionary(state.decisions.map { ($0.genome, $0) }) { $1 }
    func isOpen(_ record: GenomeRecord) -> Bool {
      guard record.base == base, !merged.contains(record.id) else { return false }
      guard let decision = decided[record.id] else { return true }
      // Against another model it may be of use.
      return decision.against.map { $0 != state.model } ?? retries
    }
    return try GenomePackageError.storing { () throws(StoreError) in
      var candidates: [Candidate] = []
      if state.model == .base, let own = try store.genomes(state: .own).first(where: { $0.base == base && $0.parents.isEmpty }), isOpen(own) {
        candidates.append(Candidate(record: own, factor: 1, isOwn: true))
      }
      var accepted: [(candidate: Candidate, lift: Double)] = []
      for record in try store.genomes(state: .accepted) where isOpen(record) {
        accepted.append((Candidate(record: record, factor: try factor(of: record.id), isOwn: false), try store.metrics(of: record.id)["lift"] ?? 0))
      }
      return candidates + accepted.sorted { (-$0.lift, $0.candidate.record.id) < (-$1.lift, $1.candidate.record.id) }.map(\.candidate)
    }
  }

  /// The product of the factors that the layers of the last judgement gave.
  private func factor(of id: String) throws(StoreError) -> Double {
    var factor = 1.0, seen = Set<String>()
    for verdict in try store.verdicts(of: id).reversed() where verdict.direction == .inbound {
      guard seen.insert(verdict.layer).inserted else { break }
      if verdict.decision == .scale, let by = verdict.factor { factor *= by }
    }
    return min(1, max(0, factor))
  }

  /// The domain in which the node itself trains.
  func ownDomain() throws(GenomePackageError) -> String? {
    var named = settings.domain
    if named == nil { named = try GenomePackageError.storing { () throws(StoreError) in try store.genomes(state: .own).first { $0.parents.isEmpty }?.domain } }
    return named.flatMap { measuring.domains.contains($0) ? $0 : nil }
  }

  private func tried(_ candidate: Candidate) async throws(GenomePackageError) -> EvolutionReport.Line {
    let state = try EvolutionState.current(in: store), record = candidate.record
    var line = EvolutionReport.Line(genome: record.id, author: record.author, domain: record.domain, outcome: .skipped, reason: "")
    guard !state.history.contains(where: { $0.genome == record.id }) else {
      line.reason = "it is part of the model already"
      return line
    }
    guard record.kind == GenomeKind.adapter.rawValue else {
      line.reason = "it is a \(record.kind), and what runs beside the base are adapters; train one in its place, such as with trainer.lora"
      return line
    }
    guard store.hasFiles(record) else {
      line.reason = "its files are not here; fetch or import it again"
      return line
    }
    let own = try ownDomain(), before = try await losses(of: state.model.measured)
    var trials: [Trial] = []
    if candidate.isOwn {
      trials = [try await ownTrial(candidate, before)]
    } else {
      if settings.mode != .mixture {
        do throws(GenomePackageError) { trials.append(try await blendTrial(candidate, state.model, before)) } catch {
          guard error.code == .usage, settings.mode == .bothMeasured else {
            guard error.code == .usage || error.code == .malformed else { throw error }
            line.reason = error.message
            return line
          }
        }
      }
      if settings.mode != .merge { trials.append(try await mixtureTrial(candidate, state.model, before)) }
    }
    options.reached?(.measured)
    guard let best = trials.max(by: { $0.comparison.lift < $1.comparison.lift }) else { return line }
    best.comparison.describe(&line, own: own)
    (line.way, line.weight, line.isExact) = (best.way, best.weight, best.isExact)
    let bound = lowerBound(best, record, ownDomain: candidate.isOwn ? own : nil)
    line.lowerBound = bound
    if let reason = refusal(best, bound: bound, candidate, own: own) {
      (line.outcome, line.reason) = (.reverted, reason)
      try decide(.init(genome: record.id, reason: reason, against: state.model, madeMilliseconds: library.now()))
      return line
    }
    let entry = try keep(best, candidate, state, bound: bound, own: own)
    (line.outcome, line.result) = (.kept, entry.after.genomes.last)
    if case .merged(let genome) = entry.after { line.result = genome }
    line.reason =
      candidate.isOwn && own != nil
      ? "better on the node's own domain"
      : best.isExact ? "better on the hold-out" : "better on the hold-out; the sum was compressed to rank \(settings.rankLimit) and is no longer exact"
    return line
  }

  func losses(of model: MeasuredModel) async throws(GenomePackageError) -> [[Double]] {
    var losses: [[Double]] = []
    for domain in measuring.domains { losses.append(try await measuring.losses(of: model, domain: domain)) }
    return losses
  }

  private func lowerBound(_ trial: Trial, _ record: GenomeRecord, ownDomain: String?) -> Double {
    var groups = trial.comparison.gains
    if let place = ownDomain.flatMap({ measuring.domains.firstIndex(of: $0) }) { groups = [groups[place]] }
    guard groups.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return -.infinity }
    let seed = (Hexadecimal.bytes(record.id.utf8) ?? []).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Bootstrap(groups, resamples: settings.resamples, seed: seed).lowerBound(confidence: settings.confidence)
  }

  /// The gate's own rule, on the model as it would be.
  private func refusal(_ trial: Trial, bound: Double, _ candidate: Candidate, own: String?) -> String? {
    let percent = Int((settings.confidence * 100).rounded())
    guard bound > 0 else {
      return candidate.isOwn && own != nil
        ? "the lower \(percent) % bound of the lift on the node's own domain is not above 0" : "the lower \(percent) % bound of the generalist lift is not above 0"
    }
    // An own genome may cost what others know; they bring it back.
    guard !candidate.isOwn else { return nil }
    for (name, gains) in zip(measuring.domains, trial.comparison.gains) where -Comparison.mean(gains) > settings.fall {
      return "\(name) falls by more than \(settings.fall) nat a byte"
    }
    return nil
  }
}
