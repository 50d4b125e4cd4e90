internal import CentramGateSupport
internal import CentramGenome
public import CentramPluginAPI

/// How much an author may do: genomes a day, influence, and none for what is a copy.
struct Admission: GateLayer {
  static let id: StaticString = "gate.admission", version: StaticString = "1.0.0"
  let services: any HostServices
  let info = GateLayerInfo(
    position: 5,
    parameters: [
      .init("per_day", .integer, default: .number(10), limits: 1...100_000, "genomes of an author a day, and at once at most"),
      .init("branch_per_day", .integer, default: .number(40), limits: 1...1_000_000, "genomes a day of all authors of an inviter's branch together"),
      .init("new_weight", .number, default: .number(0.25), limits: 0.001...1, "weight of a new author's first genome"),
      .init("full_after", .integer, default: .number(8), limits: 0...10_000, "accepted genomes after which an author has the whole weight"),
      .init("branch_share", .number, default: .number(0.2), limits: 0.001...1, "share of all influence that a branch may have"),
      .init("cosine", .number, default: .number(0.98), limits: 0.5...1, "from which on an update is a copy of a known one"),
      .init("compared", .integer, default: .number(4096), limits: 0...65_536, "known updates that it is compared with, newest first"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.admission", json: candidate.policyJSON, info.parameters)
    let clock = try services.required("centram.clock/1", for: "gate.admission", as: (any ClockService).self)
    let authors = try services.required("centram.authors/1", for: "gate.admission", as: (any AuthorService).self)
    let manifest = try candidate.openedManifest()
    let standing = try await authors.standing(ofAuthor: manifest.author)
    var findings = Findings()
    findings.add("accepted before", standing.accepted)
    findings.add("branch", standing.branch.isEmpty ? "none, as for all who came without an invitation" : short(standing.branch))
    for (who, times, perDay) in [
      ("its author", standing.admissions, policy.integer("per_day")), ("its author's branch", standing.branchAdmissions, policy.integer("branch_per_day")),
    ] {
      let bucket = TokenBucket(perDay: perDay, spent: times, now: clock.unixMilliseconds)
      findings.add("left for \(who) today", rounded(bucket.tokens))
      guard bucket.tokens >= 1 else {
        return findings.verdict(.reject(reason: "\(who) has used up \(perDay) genomes a day; another is due in \(bucket.minutesToNext) minutes"))
      }
    }
    let sketches = try services.required("centram.sketches/1", for: "gate.admission", as: (any SketchService).self)
    let sketch = try Self.sketch(of: candidate, manifest, key: sketches.key)
    guard sketch.isFinite else { return findings.verdict(.reject(reason: "its update is too large, or not finite, so it cannot be compared with others")) }
    if let copy = try await Self.nearest(to: sketch, in: sketches.known(base: manifest.base, except: candidate.contentHash, limit: policy.integer("compared"))) {
      findings.add("nearest", "\(copy.id) by \(copy.author), cosine \(rounded(copy.cosine))")
      if copy.cosine >= policy.number("cosine") {
        return findings.verdict(.reject(reason: "it is a copy of \(short(copy.id)) and counts as that of \(short(copy.author)): cosine \(rounded(copy.cosine))"))
      }
    }
    return findings.verdict(Self.influence(standing, policy))
  }

  private static func sketch(of candidate: GenomeCandidate, _ manifest: Manifest, key: [UInt8]) throws(PluginError) -> UpdateSketch {
    do throws(GenomeError) {
      switch manifest.kind {
      case .adapter: return UpdateSketch(try AdapterMatrices(configuration: candidate.adapterConfiguration, weights: candidate.weights), key: key)
      case .fullDelta: return UpdateSketch(delta: try SafetensorsView(candidate.weights), key: key)
      }
    } catch { throw PluginError(.invalid, error.message) }
  }

  /// The known update with the smallest angle.
  private static func nearest(to sketch: UpdateSketch, in known: [KnownUpdate]) -> (id: String, author: String, cosine: Double)? {
    var best: (id: String, author: String, cosine: Double)?
    for other in known {
      let cosine = UpdateSketch.cosine(sketch.values, other.sketch)
      // Of equally near ones the earliest counts, and they come newest first.
      if cosine >= best?.cosine ?? -2 { best = (other.id, other.author, cosine) }
    }
    return best
  }

  private static func influence(_ standing: AuthorStanding, _ policy: LayerPolicy) -> Verdict.Decision {
    let full = policy.integer("full_after"), start = policy.number("new_weight")
    let weight = standing.accepted >= full ? 1 : start + (1 - start) * Double(standing.accepted) / Double(full)
    // With fewer branches than the share has room for, one of them must be above it, whoever they are.
    let share = policy.number("branch_share")
    if Double(standing.branches) * share >= 1 - 1e-9, share < 1 {
      // The largest w with branch + w ≤ share · (all + w).
      let room = (share * standing.influence - standing.branchInfluence) / (1 - share)
      guard room >= 0.01 else {
        return .quarantine(
          reason: "its author's branch has \(rounded(standing.branchInfluence)) of \(rounded(standing.influence)) of all influence; a share of \(share) is allowed")
      }
      if room < weight - 1e-9 { return .scale(factor: room, reason: "its author's branch is near its share of \(share) of all influence") }
    }
    guard weight < 1 else { return .accept }
    return .scale(factor: weight, reason: "its author has \(standing.accepted) accepted genomes; the weight is whole from \(full) on")
  }
}

/// A bucket that holds a day's worth and refills evenly, worked out from the times at which it was drawn from.
struct TokenBucket {
  private(set) var tokens: Double
  private let perMillisecond: Double

  /// - Parameter spent: Unix milliseconds, ascending; those ahead of `now` count as now.
  init(perDay: Int, spent: [Int64], now: Int64) {
    let capacity = Double(perDay)
    perMillisecond = capacity / 86_400_000
    tokens = capacity
    var last = spent.first ?? now
    for time in spent.map({ min($0, now) }) {
      tokens = max(0, min(capacity, tokens + Double(max(0, time - last)) * perMillisecond) - 1)
      last = max(last, time)
    }
    tokens = min(capacity, tokens + Double(max(0, now - last)) * perMillisecond)
  }

  var minutesToNext: Int { max(0, Int(((1 - tokens) / perMillisecond / 60_000).rounded(.up))) }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Admission.id, version: Admission.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Genomes a day, influence and copies"
) { pluginInterface($0, .gateLayer { environment in Admission(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_admission) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
