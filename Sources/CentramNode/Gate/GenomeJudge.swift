internal import CentramGenome
public import CentramPluginAPI
public import CentramStore

/// The gate over a node's genome store: loads what is judged, asks the layers, and keeps verdicts, measures and the new state in one transaction.
///
/// Judgements of one branch of invitations go one after the other, since what admission lets in counts for the next; so do all outbound ones, since they
/// spend one privacy account.
public final class GenomeJudge: GenomeJudging {
  let store: GenomeStore
  let pipeline: GatePipeline
  let clock: any ClockService
  private let sketches: StoredSketches
  private let own: String
  private let turns = Turns()

  /// - Parameters:
  ///   - layers: made with `services`.
  ///   - own: this node's key, 64 hexadecimal digits.
  /// - Throws: `settings` for a name that no layer has.
  public init(store: GenomeStore, settings: GateSettings, layers: any GateLayerSource, services: GateServices, clock: any ClockService, own: String) throws(GateError) {
    (self.store, self.clock, self.own, sketches) = (store, clock, own, services.sketches)
    pipeline = try GatePipeline(settings: settings, layers: layers, clock: clock, store: UnkeptVerdicts())
  }

  public var policyDigest: [UInt8] { pipeline.policyDigest }
  public var disabledLayers: [String] { pipeline.settings.disabled.sorted() }
  /// What is wrong with the gate itself, a sentence each.
  public var status: [String] { pipeline.status }
  public var layers: [GateLayerStatus] { pipeline.layers }

  /// A genome that was taken in before, or made here, is judged again without the layers that judge an arrival, and keeps its state: what to do about a
  /// refusal is for whoever uses it. A genome in quarantine, or refused, is judged again with what those layers said when it came.
  public func judge(_ id: String, _ direction: GateDirection) async throws(GateError) -> GateReport {
    let record = try genome(id)
    return try await inTurn(try turn(of: record, direction)) { () async throws(GateError) in
      for _ in 0..<Self.attempts { if let report = try await self.judgeOnce(id, direction) { return report } }
      throw GateError(.storage, "\(id): its state changed \(Self.attempts) times while it was judged; try again")
    }
  }

  /// Judges a genome and keeps nothing.
  public func check(_ files: GenomeFiles, _ direction: GateDirection) async throws(GateError) -> GateReport { try await check(files, direction, standing: [:]) }

  /// - Parameter standing: verdicts of layers that are not asked, by layer; nil: the layer is left out.
  func check(_ files: GenomeFiles, _ direction: GateDirection, standing: [String: GateVerdict?]) async throws(GateError) -> GateReport {
    try await report(on: files, direction, standing: standing)
  }

  public func willLeave(_ id: String) async throws(GateError) {
    let record = try genome(id)
    try await inTurn(try turn(of: record, .outbound)) { () async throws(GateError) in
      let state = try self.genome(id).state
      guard state == .own || state == .accepted else {
        throw GateError(.refused, "\(id) is \(state.rawValue); only what this node made or accepted leaves it")
      }
      let verdicts = try Self.storing { () throws(StoreError) in try self.store.verdicts(of: id).filter { $0.direction == .outbound } }
      let spent = try Self.storing { () throws(StoreError) in try self.store.trainingsThatLeft() }
      if spent.contains(where: { $0.genome == id }) { return }
      var isAllowed = verdicts.last.map { GateVerdict($0).passes } ?? false
      // What left since then may have used up what was allowed.
      if let time = verdicts.last?.timeMilliseconds, spent.contains(where: { $0.leftMilliseconds ?? 0 >= time }) { isAllowed = false }
      if !isAllowed {
        guard let report = try await self.judgeOnce(id, .outbound), report.isAccepted else {
          throw GateError(.refused, "\(id) may not leave this node; centram-host gate explain \(id.prefix(12)) says why")
        }
      }
      try Self.storing { () throws(StoreError) in try self.store.recordDeparture(of: id, now: self.clock.unixMilliseconds) }
    }
  }

  // MARK: Judging

  private static let attempts = 4

  /// Nil where the genome's state changed meanwhile, so that nothing was kept.
  private func judgeOnce(_ id: String, _ direction: GateDirection) async throws(GateError) -> GateReport? {
    let record = try genome(id)
    guard record.state != .revoked else { return try keepRevoked(record, direction) }
    let files: GenomeFiles
    do throws(GenomePackageError) { files = try GenomeFiles(record, in: store) } catch {
      throw GateError(error.code == .notFound ? .notFound : .storage, error.message)
    }
    let standing = try standing(record, direction)
    let report = try await report(on: files, direction, standing: standing)
    let judgement = Judgement(record: record, report: report, standing: standing, settings: pipeline.settings)
    var decision = judgement.decision
    decision.fork = try checkedFork(judgement.forkClaims, record)
    if let weight = judgement.admittedWeight { decision.admission = .init(branch: try branch(of: record.author), weight: weight) }
    if judgement.needsSketch { decision.sketch = sketches.sketch(of: files) }
    do throws(StoreError) {
      try store.record(decision, of: id, now: clock.unixMilliseconds)
    } catch {
      if error.code == .conflict { return nil }
      throw GateError(.storage, "the verdicts on \(id) could not be kept, so it counts as refused: \(error.message)")
    }
    return report
  }

  private func report(on files: GenomeFiles, _ direction: GateDirection, standing: [String: GateVerdict?]?) async throws(GateError) -> GateReport {
    let pipeline = pipeline
    let result: Result<GateReport, GateError> = await GateContext.$current.withValue(files.context) {
      do throws(GateError) {
        return .success(
          try await pipeline.judge(
            direction, manifest: files.manifest, signature: files.signature, configuration: files.configuration, weights: files.weights, standing: standing ?? [:]))
      } catch { return .failure(error) }
    }
    withExtendedLifetime(files) {}
    return try result.get()
  }

  /// Verdicts of layers that are not asked again, by layer.
  private func standing(_ record: GenomeRecord, _ direction: GateDirection) throws(GateError) -> [String: GateVerdict?] {
    let kept = try Self.storing { () throws(StoreError) in try store.verdicts(of: record.id) }
    func last(_ layer: String) -> GateVerdict? {
      kept.last { $0.layer == layer && $0.direction == .inbound && ($0.decision == .accept || $0.decision == .scale) }.map(GateVerdict.init)
    }
    var standing: [String: GateVerdict?] = [:]
    switch (direction, record.state) {
    case (.outbound, .own): break
    case (.outbound, _):
      // Passing another's genome on tells nothing of this node's data; what its author's record is worth was judged when it came.
      if let verdict = last(GateSettings.privacyLayer) { standing[GateSettings.privacyLayer] = .some(verdict) }
    case (_, .accepted), (_, .own):
      for layer in GateSettings.arrivalLayers { standing[layer] = .some(last(layer)) }
    case (_, .quarantined), (_, .rejected):
      for layer in GateSettings.arrivalLayers { if let verdict = last(layer) { standing[layer] = .some(verdict) } }
    default: break
    }
    return standing
  }

  private func keepRevoked(_ record: GenomeRecord, _ direction: GateDirection) throws(GateError) -> GateReport {
    let reason = try Self.storing { () throws(StoreError) in try store.revocation(ofGenome: record.id, author: record.author).map(StoredAuthors.reason) }
    let sentence = "it was taken back by its author" + (reason.map { " (\($0))" } ?? "")
    let verdict = GateVerdict(
      contentHash: record.id, direction: direction, layer: GenomeStore.revocationLayer, version: "1", decision: .reject(reason: sentence),
      decidedMilliseconds: clock.unixMilliseconds, warning: pipeline.settings.warning)
    try Self.storing { () throws(StoreError) in try store.add([verdict.record(of: record.id)]) }
    return GateReport(
      contentHash: record.id, direction: direction, outcome: .rejected(layer: GenomeStore.revocationLayer, reason: sentence), verdicts: [verdict], warning: verdict.warning)
  }

  /// The other entry of a fork that a layer found, after both signatures were checked here: a layer's word freezes nobody.
  private func checkedFork(_ claims: [String], _ record: GenomeRecord) throws(GateError) -> String? {
    for id in claims where id != record.id {
      let found = try Self.storing { () throws(StoreError) in try store.entry(author: record.author, sequence: record.sequence, except: record.id) }
      guard let found, found.id == id, let one = try? SignedManifest(record).manifest, let other = try? SignedManifest(found).manifest else { continue }
      if one.author == other.author, one.sequence == other.sequence, one.id != other.id { return id }
    }
    return nil
  }

  // MARK: Turns

  private func branch(of author: String) throws(GateError) -> String { try Self.storing { () throws(StoreError) in try store.branch(of: author, below: own) } }

  private func turn(of record: GenomeRecord, _ direction: GateDirection) throws(GateError) -> String {
    direction == .outbound ? "out" : "in \(try branch(of: record.author))"
  }

  private func inTurn<Value: Sendable>(_ key: String, _ body: () async throws(GateError) -> Value) async throws(GateError) -> Value {
    await turns.enter(key)
    let result: Result<Value, GateError>
    do throws(GateError) { result = .success(try await body()) } catch { result = .failure(error) }
    await turns.leave(key)
    return try result.get()
  }

  private func genome(_ id: String) throws(GateError) -> GenomeRecord {
    do throws(StoreError) { return try store.genome(id) } catch { throw GateError(error.code == .notFound ? .notFound : .storage, error.message) }
  }

  private static func storing<Value>(_ body: () throws(StoreError) -> Value) throws(GateError) -> Value {
    do throws(StoreError) { return try body() } catch { throw GateError(.storage, error.message) }
  }
}
