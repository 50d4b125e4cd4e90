internal import CentramGenome
public import CentramStore

/// What an author says of a genome that the store has no column for. Nobody checked it.
public struct ManifestClaims: Sendable, Equatable, Encodable {
  public let trainer: String, trainerVersion: String
  public let metrics: [String: Double]
  /// `ε 7.9 at δ 1e-05, …`; nil where there is no record.
  public let privacy: String?
  /// Operator, version and parameters of a merge.
  public let recipe: String?
  public let license: String, agent: String

  init(_ manifest: Manifest) {
    (trainer, trainerVersion, license, agent) = (manifest.trainer.id, manifest.trainer.version, manifest.license, manifest.agent)
    metrics = Dictionary(manifest.metrics.map { ($0.name, $0.value) }) { $1 }
    privacy = manifest.privacy.map {
      "ε \($0.epsilon) at δ \($0.delta), noise \($0.noiseMultiplier), sample rate \($0.sampleRate), \($0.steps) steps, clipped to \($0.clippingNorm), \($0.mechanism), \($0.sampling)"
    }
    recipe = manifest.recipe.map { recipe in
      ([recipe.operator, recipe.version] + recipe.parameters.map { "\($0.key)=\($0.value.text)" }).joined(separator: " ")
    }
  }
}

extension GenomeLibrary {
  /// - Throws: `.tampered` where the database's copy is not what was signed.
  public func claims(of record: GenomeRecord) throws(GenomePackageError) -> ManifestClaims { ManifestClaims(try SignedManifest(record).manifest) }
}
