internal import CentramNode
internal import CentramStore
internal import Foundation

/// A genome of the store as JSON.
struct GenomeSummary: Encodable {
  struct Parent: Encodable { let id: String, basisPoints: Int }
  struct File: Encodable { let name: String, sha256: String, bytes: Int }

  let id: String, state: String, base: String, author: String, sequence: UInt64, previous: String?
  let generation: Int, domain: String, kind: String, bytes: Int, madeMilliseconds: Int64
  let parents: [Parent], files: [File]
  /// Whether the files are here.
  let isComplete: Bool

  init(_ record: GenomeRecord, _ library: GenomeLibrary) throws {
    (id, state, base, author, sequence, previous) = (record.id, record.state.rawValue, record.base, record.author, record.sequence, record.previous)
    (generation, domain, kind, bytes, madeMilliseconds) = (record.generation, record.domain, record.kind, record.size, record.madeMilliseconds)
    parents = record.parents.map { .init(id: $0.id, basisPoints: $0.basisPoints) }
    files = record.files.map { .init(name: $0.name, sha256: $0.hash, bytes: $0.size) }
    isComplete = library.store.hasFiles(record)
  }
}

/// Everything that is known of a genome.
struct GenomeDetails: Encodable {
  struct Verdict: Encodable {
    struct Evidence: Encodable { let name: String, value: String }
    let direction: String, layer: String, layerVersion: String, decision: String, factor: Double?, reason: String, timeMilliseconds: Int64, isIncomplete: Bool
    let evidence: [Evidence]
  }

  let genome: GenomeSummary
  let claims: ManifestClaims
  let measures: [String: Double]
  let verdicts: [Verdict]

  init(_ record: GenomeRecord, _ library: GenomeLibrary) throws {
    genome = try GenomeSummary(record, library)
    claims = try library.claims(of: record)
    measures = try library.store.metrics(of: record.id)
    verdicts = try library.store.verdicts(of: record.id).map { verdict in
      Verdict(
        direction: verdict.direction.rawValue, layer: verdict.layer, layerVersion: verdict.layerVersion, decision: verdict.decision.rawValue, factor: verdict.factor,
        reason: verdict.reason, timeMilliseconds: verdict.timeMilliseconds, isIncomplete: verdict.isIncomplete,
        evidence: verdict.evidence.map { .init(name: $0.name, value: $0.value) })
    }
  }

  var text: String {
    var lines = [
      "id          \(genome.id)", "state       \(genome.state)\(genome.isComplete ? "" : ", its files are not here")",
      "kind        \(genome.kind), \(Terminal.bytes(genome.bytes))",
      "domain      \(genome.domain)", "base        \(genome.base)", "author      \(genome.author)",
      "sequence    \(genome.sequence)\(genome.previous.map { ", after \($0)" } ?? "")",
      "made        \(Date(timeIntervalSince1970: Double(genome.madeMilliseconds) / 1000).formatted(.iso8601)) by \(claims.agent)",
      "trainer     \(claims.trainer) \(claims.trainerVersion)", "generation  \(genome.generation)", "license     \(claims.license)",
    ]
    for parent in genome.parents { lines.append("parent      \(parent.id)  \(parent.basisPoints) of 10000") }
    if let recipe = claims.recipe { lines.append("recipe      \(recipe)") }
    for file in genome.files { lines.append("file        \(file.name)  \(Terminal.bytes(file.bytes))  \(file.sha256)") }
    if let privacy = claims.privacy { lines.append("privacy     \(privacy) (attested by the author, not verified)") }
    for (name, value) in claims.metrics.sorted(by: { $0.key < $1.key }) { lines.append("claims      \(name) \(TrainDisplay.short(value))") }
    for (name, value) in measures.sorted(by: { $0.key < $1.key }) { lines.append("measured    \(name) \(TrainDisplay.short(value))") }
    for verdict in verdicts {
      let factor = verdict.factor.map { " by \(TrainDisplay.short($0))" } ?? "", reason = verdict.reason.isEmpty ? "" : ": \(verdict.reason)"
      lines.append(
        "verdict     \(verdict.direction) \(verdict.layer) \(verdict.layerVersion): \(verdict.decision)\(factor)\(reason)\(verdict.isIncomplete ? " (gate incomplete)" : "")")
      for evidence in verdict.evidence { lines.append("              \(evidence.name) \(evidence.value)") }
    }
    return lines.joined(separator: "\n")
  }
}
