internal import CentramGenome
internal import CentramHost
public import CentramPluginAPI

/// Runs a gate's layers one after the other, cheap to costly; the first refusal stops. A layer that is missing, throws or says nonsense
/// refuses. Made once and used from any task; settings change by making another.
public struct GatePipeline: Sendable {
  public let settings: GateSettings
  private let stages: [Stage]
  private let clock: any ClockService
  private let store: any VerdictStore

  private struct Stage: Sendable {
    let id: String
    let position: Int
    /// Or why it is not there.
    let layer: Result<LoadedGateLayer, GateError>
    let policyJSON: String

    var info: GateLayerInfo? { (try? layer.get())?.layer.info }
    var version: String { (try? layer.get())?.version ?? "" }
    /// Whether it wants to know by how much layers before it scale the update.
    var takesScale: Bool { info?.parameters.contains { $0.name == scaleParameter && $0.type == .number } ?? false }
  }

  /// The parameter by which a layer is told the factor of those before it.
  static let scaleParameter = "scale"

  /// Loads every layer: the required ones, and what else there is of the kind.
  /// - Throws: `settings` for a name that no layer has.
  public init(settings: GateSettings, layers source: any GateLayerSource, clock: any ClockService, store: any VerdictStore) throws(GateError) {
    let ids = settings.required + source.layerIds.filter { !settings.required.contains($0) }
    for (setting, names) in [("switched off", Array(settings.disabled)), ("given a version", Array(settings.versions.keys)), ("given a policy", Array(settings.policies.keys))] {
      for name in names.sorted() where name.hasPrefix("gate.") || setting != "given a version" {
        guard ids.contains(name) else { throw GateError(.settings, "no gate layer has the id \(name), which is \(setting)\(Self.hint(name, ids))") }
      }
    }
    var stages: [Stage] = []
    for id in ids where !settings.disabled.contains(id) {
      let result: Result<LoadedGateLayer, GateError>
      do throws(GateError) { result = .success(try source.layer(id, in: settings.versions[id] ?? .any)) } catch { result = .failure(error) }
      // A standard layer keeps its place where it is missing, so that its refusal comes in its turn.
      let place = GateSettings.standardLayers.firstIndex(of: id).map { $0 + 1 }
      let position = (try? result.get())?.layer.info.position ?? place ?? Int.max
      let stage = Stage(id: id, position: position, layer: result, policyJSON: settings.policies[id] ?? "{}")
      if stage.takesScale, Self.members(of: stage.policyJSON)?.contains(where: { $0.key == Self.scaleParameter }) == true {
        throw GateError(.settings, "gate.policy.\(id).\(Self.scaleParameter) is not yours to set: layers before it decide by how much an update is scaled")
      }
      stages.append(stage)
    }
    self.stages = stages.sorted { ($0.position, $0.id) < ($1.position, $1.id) }
    (self.settings, self.clock, self.store) = (settings, clock, store)
  }

  private static func hint(_ name: String, _ ids: [String]) -> String { CentramHost.NearestName.hint(for: name, among: ids) }

  /// The layers in their order.
  public var layers: [GateLayerStatus] {
    stages.map { stage in
      var problem: String?
      if case .failure(let error) = stage.layer { problem = error.message }
      return GateLayerStatus(
        id: stage.id, version: stage.version, position: stage.position == .max ? nil : stage.position, directions: stage.info?.directions ?? [], policyJSON: stage.policyJSON,
        problem: problem)
    }
  }

  /// What is wrong with the gate itself, a sentence each: layers switched off, layers that are missing.
  public var status: [String] {
    let missing = layers.compactMap { layer in layer.problem.map { "\(layer.id) is missing, so nothing passes: \($0)" } }
    return (settings.warning.map { [$0] } ?? []) + missing
  }

  /// SHA-256 of all that decides how it judges: layers, versions, policies, what is switched off. Peers are told it.
  public var policyDigest: [UInt8] {
    let lines = stages.map { "\($0.id) \($0.version.isEmpty ? "-" : $0.version) \($0.policyJSON)" } + settings.disabled.sorted().map { "\($0) off" }
    return CentramGenome.SHA256.digest(of: Array("centram/gate/1\0\(lines.joined(separator: "\n"))".utf8))
  }

  /// Judges a genome and keeps the verdicts.
  /// - Parameters:
  ///   - weights: lent until this returns.
  ///   - standing: verdicts of layers that are not asked again, by layer: they stand in the report as they are. Nil: the layer is left out.
  /// - Throws: `storage` where the verdicts could not be kept, `cancelled`.
  public func judge(
    _ direction: GateDirection, manifest: [UInt8], signature: [UInt8], configuration: [UInt8], weights: UnsafeRawBufferPointer, standing: [String: GateVerdict?] = [:]
  ) async throws(GateError) -> GateReport {
    let hash = ContentHash.of(configuration: configuration, weights: weights)
    var report = GateReport(contentHash: Hexadecimal.text(hash), direction: direction, outcome: .accepted(factor: 1), verdicts: [], warning: settings.warning)
    var factor = 1.0
    for stage in stages {
      if let info = stage.info, !info.directions.contains(direction) { continue }
      if let known = standing[stage.id] {
        guard let known else { continue }
        report.verdicts.append(known)
        factor *= known.factor ?? 1
        report.outcome = .accepted(factor: factor)
        continue
      }
      let candidate = GenomeCandidate(
        direction: direction, contentHash: hash, manifest: manifest, manifestSignature: signature, adapterConfiguration: configuration, weights: weights,
        policyJSON: Self.policy(of: stage, scale: factor))
      let (verdict, fault) = await Self.verdict(of: stage, candidate)
      guard !Task.isCancelled else { throw GateError(.cancelled, "cancelled while \(stage.id) judged \(report.contentHash)") }
      report.verdicts.append(
        GateVerdict(
          contentHash: report.contentHash, direction: direction, layer: stage.id, version: stage.version, decision: verdict.decision, evidence: verdict.evidence,
          decidedMilliseconds: clock.unixMilliseconds, warning: settings.warning))
      report.isNodesFault = fault
      switch verdict.decision {
      case .accept: report.outcome = .accepted(factor: factor)
      case .scale(let by, _):
        factor *= by
        report.outcome = .accepted(factor: factor)
      case .quarantine(let reason): report.outcome = .quarantined(layer: stage.id, reason: reason)
      case .reject(let reason): report.outcome = .rejected(layer: stage.id, reason: reason)
      @unknown default: report.outcome = .rejected(layer: stage.id, reason: "the layer gave a verdict that this node does not know")
      }
      guard report.isAccepted else { break }
    }
    if report.verdicts.isEmpty { report.outcome = .rejected(layer: "", reason: "no layer of the gate judges what goes \(direction == .inbound ? "in" : "out")") }
    do { try await store.keep(report) } catch { throw GateError(.storage, "the verdicts on \(report.contentHash) could not be kept, so it counts as refused: \(error)") }
    return report
  }

  private static func members(of policy: String) -> [JSONValue.Member]? {
    guard let value = try? JSONValue(parsing: Array(policy.utf8), name: "the policy"), case .object(let members) = value else { return nil }
    return members
  }

  /// A policy that is none stays as it is: the layer says what is wrong with it.
  private static func policy(of stage: Stage, scale: Double) -> String {
    guard stage.takesScale, let members = members(of: stage.policyJSON) else { return stage.policyJSON }
    return JSONValue.object(members + [.init(scaleParameter, .number("\(scale)"))]).text
  }

  /// A layer's verdict, and whether the node and not the genome is the reason for a refusal: a layer or a service that is missing, or cannot read what is here.
  private static func verdict(of stage: Stage, _ candidate: GenomeCandidate) async -> (Verdict, isNodesFault: Bool) {
    let loaded: LoadedGateLayer
    switch stage.layer {
    case .success(let found): loaded = found
    case .failure(let error): return (Verdict(.reject(reason: "\(stage.id) is missing: \(error.message)")), true)
    }
    do throws(PluginError) {
      let verdict = try await loaded.layer.judge(candidate)
      guard case .scale(let factor, _) = verdict.decision, !(factor > 0 && factor <= 1) else { return (verdict, false) }
      return (Verdict(.reject(reason: "\(stage.id) scales by \(factor); a factor lies in (0, 1]"), evidence: verdict.evidence), false)
    } catch {
      let verdict = Verdict(.reject(reason: "\(stage.id) did not judge: \(error.message)"), evidence: [.init("error", error.code.description)])
      return (verdict, error.code == .unavailable || error.code == .inputOutput)
    }
  }
}

/// A layer as a gate has it.
public struct GateLayerStatus: Sendable, Equatable {
  public var id: String
  /// Empty where it is missing.
  public var version: String
  /// Nil for a layer of another id that is missing.
  public var position: Int?
  public var directions: Set<GateDirection>
  /// Its settings, a JSON object.
  public var policyJSON: String
  /// Why it is not there.
  public var problem: String?
}
