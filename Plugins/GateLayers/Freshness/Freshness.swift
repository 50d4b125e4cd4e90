internal import CentramGateSupport
internal import CentramGenome
public import CentramPluginAPI

/// Time and the author's log: the next entry after the last, made for a base that is run here, with content that was never judged.
struct Freshness: GateLayer {
  static let id: StaticString = "gate.freshness", version: StaticString = "1.0.0"
  let services: any HostServices
  let info = GateLayerInfo(
    position: 3,
    parameters: [
      .init("past_hours", .number, default: .number(24), limits: 0.001...87_600, "how old a genome may be"),
      .init("future_minutes", .number, default: .number(5), limits: 0...1440, "how far an author's clock may be ahead"),
      .init("log_depth", .integer, default: .number(256), limits: 0...65_536, "entries of a log that are walked back to one that is known"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.freshness", json: candidate.policyJSON, info.parameters)
    let manifest = try candidate.openedManifest()
    var findings = Findings()
    if let refusal = try outsideWindow(manifest, policy, &findings) { return findings.verdict(refusal) }
    let base = try services.required("centram.base/1", for: "gate.freshness", as: (any BaseModelService).self)
    guard try await base.parameters(ofBase: manifest.base) != nil else {
      return findings.verdict(.reject(reason: "its base \(short(manifest.base)) is not run here"))
    }
    let decision = try await placeInLog(manifest, candidate, policy, &findings)
    return findings.verdict(decision)
  }

  private func outsideWindow(_ manifest: Manifest, _ policy: LayerPolicy, _ findings: inout Findings) throws(PluginError) -> Verdict.Decision? {
    let clock = try services.required("centram.clock/1", for: "gate.freshness", as: (any ClockService).self)
    let age = Double(clock.unixMilliseconds - manifest.madeMilliseconds) / 60_000
    findings.add("age", age < 0 ? "\(rounded(-age)) minutes ahead" : "\(rounded(age)) minutes")
    if age > policy.number("past_hours") * 60 { return .reject(reason: "it was made \(rounded(age / 60)) hours ago; \(policy.number("past_hours")) are allowed") }
    if -age > policy.number("future_minutes") {
      return .reject(reason: "it was made \(rounded(-age)) minutes ahead of this node's clock; \(policy.number("future_minutes")) are allowed")
    }
    return nil
  }

  private func placeInLog(
    _ manifest: Manifest, _ candidate: GenomeCandidate, _ policy: LayerPolicy, _ findings: inout Findings
  ) async throws(PluginError) -> Verdict.Decision {
    let lineage = try services.required("centram.lineage/1", for: "gate.freshness", as: (any LineageService).self)
    let authors = try services.required("centram.authors/1", for: "gate.freshness", as: (any AuthorService).self)
    let author = manifest.author, sequence = UInt64(manifest.sequence)
    findings.add("sequence", sequence)
    do throws(GenomeError) { try manifest.checkPrevious() } catch { return .reject(reason: error.message) }
    if let proof = try await authors.standing(ofAuthor: author).freeze { return .reject(reason: "its author \(short(author)) is frozen: \(proof)") }
    if let other = try await authors.entry(author: author, sequence: sequence), other.id != manifest.id {
      return fork(author, sequence, other.id, manifest.id, &findings)
    }
    if try await lineage.isKnown(contentHash: candidate.contentHash) { return .reject(reason: "the content \(short(manifest.id)) was judged before") }
    let last = try await lineage.lastEntry(author: author)
    findings.add("last", last.map { "\(short($0.id)) at \($0.sequence)" } ?? "none")
    guard sequence > last?.sequence ?? 0 else { return .reject(reason: "its place in the log is \(sequence), and the last known one \(last?.sequence ?? 0)") }
    return try await walkBack(manifest, to: last, lineage, policy, &findings)
  }

  /// Follows `previous` to the last known entry, or to the log's first where none is known.
  private func walkBack(
    _ manifest: Manifest, to last: LineageEntry?, _ lineage: any LineageService, _ policy: LayerPolicy, _ findings: inout Findings
  ) async throws(PluginError) -> Verdict.Decision {
    let author = manifest.author, ancestry = services.service("centram.ancestry/1") as? any AncestryService
    var next = manifest.previous, place = UInt64(manifest.sequence) - 1, steps = 0
    while place > last?.sequence ?? 0 {
      guard let id = next else { return .reject(reason: "entry \(place + 1) of the log names none before it") }
      guard steps < policy.integer("log_depth") else {
        return .quarantine(reason: "more than \(policy.integer("log_depth")) entries are missing between \(last?.sequence ?? 0) and \(manifest.sequence)")
      }
      var entry = try await lineage.ancestor(id)
      if entry == nil { entry = try await ancestry?.fetch(id) }
      guard let entry else { return .quarantine(reason: "entry \(place) of the author's log, \(short(id)), is not known") }
      guard entry.id == id, entry.author == author, entry.sequence == place else {
        return .reject(reason: "\(short(id)) stands as entry \(place) of \(short(author)), and is entry \(entry.sequence) of \(short(entry.author))")
      }
      (next, place, steps) = (entry.previous, place - 1, steps + 1)
    }
    if steps > 0 { findings.add("entries walked back", steps) }
    guard let last else { return next == nil ? .accept : .reject(reason: "the log's first entry names one before it") }
    guard let id = next else { return .reject(reason: "entry \(last.sequence + 1) of the log names none before it") }
    if id == last.id { return .accept }
    // A proof needs both entries; a name alone only contradicts.
    var other = try await lineage.ancestor(id)
    if other == nil { other = try await ancestry?.fetch(id) }
    if let other, other.author == author, other.sequence == last.sequence { return fork(author, last.sequence, last.id, id, &findings) }
    return .reject(reason: "entry \(last.sequence + 1) of the log names \(short(id)) before it, and the last known one is \(short(last.id))")
  }

  /// The evidence named `fork` is what the node freezes the author for.
  private func fork(_ author: String, _ sequence: UInt64, _ one: String, _ other: String, _ findings: inout Findings) -> Verdict.Decision {
    findings.add("fork", "author \(author), sequence \(sequence): \(one) and \(other)")
    return .reject(reason: "\(short(author)) has two entries at \(sequence): \(short(one)) and \(short(other))")
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Freshness.id, version: Freshness.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Time, base and the author's log"
) { pluginInterface($0, .gateLayer { environment in Freshness(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_freshness) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
