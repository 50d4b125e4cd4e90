internal import CentramGateSupport
internal import CentramGenome
public import CentramPluginAPI

/// The id is the content's hash, the parents are known back to the first, and a declared merge gives these bytes.
struct Lineage: GateLayer {
  static let id: StaticString = "gate.lineage", version: StaticString = "1.0.0"
  let services: any HostServices
  let info = GateLayerInfo(
    position: 4, directions: [.inbound, .outbound],
    parameters: [
      .init("parents", .integer, default: .number(8), limits: 0...256, "parents of a genome"),
      .init("depth", .integer, default: .number(256), limits: 1...65_535, "generations up to the first"),
      .init("fetches", .integer, default: .number(64), limits: 0...4096, "unknown ancestors that are asked of peers"),
      .init("visits", .integer, default: .number(16_384), limits: 1...1_048_576, "ancestors that are looked at"),
    ])

  func judge(_ candidate: GenomeCandidate) async throws(PluginError) -> Verdict {
    let policy = try LayerPolicy("gate.lineage", json: candidate.policyJSON, info.parameters)
    let manifest = try candidate.openedManifest()
    var findings = Findings()
    findings.add("parents", manifest.parents.count)
    findings.add("generation", manifest.generation)
    if let reason = Self.contradiction(manifest, candidate) { return findings.verdict(.reject(reason: reason)) }
    guard manifest.parents.count <= policy.integer("parents") else {
      return findings.verdict(.reject(reason: "it has \(manifest.parents.count) parents; \(policy.integer("parents")) are allowed"))
    }
    guard manifest.generation <= policy.integer("depth") else {
      return findings.verdict(.reject(reason: "it says generation \(manifest.generation); \(policy.integer("depth")) are allowed"))
    }
    var walk = try AncestorWalk(services, policy)
    if let refusal = try await walk.run(from: manifest) { return findings.verdict(refusal) }
    findings.add("ancestors", walk.visited)
    if walk.fetched > 0 { findings.add("asked of peers", walk.fetched) }
    let decision = try await remade(manifest, &findings)
    return findings.verdict(decision)
  }

  private static func contradiction(_ manifest: Manifest, _ candidate: GenomeCandidate) -> String? {
    do throws(GenomeError) {
      try manifest.checkId()
      try manifest.checkParents()
    } catch { return error.message }
    let hash = Hexadecimal.text(candidate.contentHash)
    return hash == manifest.id ? nil : "the manifest is of \(short(manifest.id)), and the content is \(short(hash))"
  }

  /// Carries out a declared merge and compares every file. Equal SHA-256 is equality of bytes.
  private func remade(_ manifest: Manifest, _ findings: inout Findings) async throws(PluginError) -> Verdict.Decision {
    guard let recipe = manifest.recipe else { return .accept }
    let ancestry = try services.required("centram.ancestry/1", for: "gate.lineage", as: (any AncestryService).self)
    let request = MergeRecipe(
      operatorID: recipe.operator, operatorVersion: recipe.version, parametersJSON: JSONValue.object(recipe.parameters).text,
      parents: manifest.parents.map { .init(id: $0.id, basisPoints: $0.weight) }, base: manifest.base, genomeKind: manifest.kind.rawValue)
    let title = "\(recipe.operator) \(recipe.version)"
    guard let digests = try await ancestry.remake(request) else {
      return .quarantine(reason: "the declared merge by \(title) cannot be done again here: the operator or a parent's files are missing")
    }
    for file in manifest.files {
      guard digests[file.name].map(Hexadecimal.text) == file.sha256 else {
        return .reject(reason: "the declared merge by \(title) gives another \(file.name)")
      }
    }
    findings.add("merge", "done again by \(title), every byte equal")
    return .accept
  }
}

nonisolated(unsafe) private let descriptor = pluginDescriptor(
  id: Lineage.id, version: Lineage.version, kind: CENTRAM_KIND_GATE_LAYER, summary: "Ancestors, generations and declared merges"
) { pluginInterface($0, .gateLayer { environment in Lineage(services: environment.services) }) }

@c(centram_plugin_descriptor__gate_lineage) public func centramPluginDescriptor() -> UnsafePointer<centram_descriptor_t> { descriptor }
