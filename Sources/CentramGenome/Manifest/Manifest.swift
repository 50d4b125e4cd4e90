/// What an author signs of a genome. The format is docs/reference/genome.md; hashes and keys are hexadecimal digits in lower case.
public struct Manifest: Sendable, Equatable {
  public static let schema = 1
  /// Bytes of the text.
  public static let maximumLength = 64 << 10
  /// What others' manifests may hold at most. Gate layers may ask for less.
  public static let maximumFiles = 16, maximumParents = 256, maximumEntries = 64
  public static let maximumChunkSize = 1 << 20, standardChunkSize = 256 << 10
  /// 2⁵³ − 1: whole numbers up to it are exact in every JSON reader.
  public static let maximumInteger: Int64 = 9_007_199_254_740_991
  public static let maximumFileSize: Int64 = 1 << 40
  public static let maximumGeneration = 65_535
  /// Parents' weights sum to it.
  public static let wholeWeight = 10_000

  /// SHA-256 of the content, which names the genome.
  public var id: String
  /// SHA-256 of the base model.
  public var base: String
  public var kind: GenomeKind
  /// In the order of their names' bytes.
  public var files: [File]
  public var parents: [Parent]
  /// How its parents make it, where it is a merge of them.
  public var recipe: Recipe?
  /// 0 without parents, else 1 + the highest of theirs.
  public var generation: Int
  /// Ed25519 key.
  public var author: String
  /// Place in the author's log, from 1.
  public var sequence: Int64
  /// Id of the author's genome before; nil for the first.
  public var previous: String?
  /// Unix milliseconds.
  public var madeMilliseconds: Int64
  /// What it was trained on, such as `code.swift`.
  public var domain: String
  public var trainer: Trainer
  /// As the author claims them, in the order of their names.
  public var metrics: [Metric]
  public var privacy: Privacy?
  /// SPDX expression.
  public var license: String
  /// Program and version that made it.
  public var agent: String

  public struct File: Sendable, Equatable {
    /// Letters, digits, `.`, `-` and `_`; no dot in front.
    public var name: String
    public var size: Int64
    public var sha256: String
    /// Bytes of every chunk but the last.
    public var chunkSize: Int
    /// SHA-256 of the chunks' joined SHA-256s.
    public var chunks: String
    public init(name: String, size: Int64, sha256: String, chunkSize: Int, chunks: String) {
      (self.name, self.size, self.sha256, self.chunkSize, self.chunks) = (name, size, sha256, chunkSize, chunks)
    }
  }

  public struct Parent: Sendable, Equatable {
    public var id: String
    /// Basis points.
    public var weight: Int
    public init(id: String, weight: Int) { (self.id, self.weight) = (id, weight) }
  }

  /// A merge of the parents in their order, so exactly stated that another node can make the same bytes.
  public struct Recipe: Sendable, Equatable {
    /// Plugin id, such as `merge.lora-svd`.
    public var `operator`: String
    public var version: String
    /// Numbers, texts, true and false.
    public var parameters: [JSONValue.Member]
    public init(operator: String, version: String, parameters: [JSONValue.Member] = []) {
      (self.operator, self.version, self.parameters) = (`operator`, version, parameters)
    }
  }

  public struct Trainer: Sendable, Equatable {
    public var id: String, version: String
    public init(id: String, version: String) { (self.id, self.version) = (id, version) }
  }

  public struct Metric: Sendable, Equatable {
    public var name: String, value: Double
    public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
  }

  /// What the author says of the privacy of the training data. Nobody else can verify it.
  public struct Privacy: Sendable, Equatable {
    public var epsilon: Double, delta: Double
    /// Standard deviation of the noise in units of `clippingNorm`.
    public var noiseMultiplier: Double
    /// Chance of each sequence to be in a step's batch.
    public var sampleRate: Double
    public var steps: Int64
    public var clippingNorm: Double
    /// `gaussian`.
    public var mechanism: String
    /// `poisson`.
    public var sampling: String
    public init(
      epsilon: Double, delta: Double, noiseMultiplier: Double, sampleRate: Double, steps: Int64, clippingNorm: Double, mechanism: String, sampling: String
    ) {
      (self.epsilon, self.delta, self.noiseMultiplier, self.sampleRate) = (epsilon, delta, noiseMultiplier, sampleRate)
      (self.steps, self.clippingNorm, self.mechanism, self.sampling) = (steps, clippingNorm, mechanism, sampling)
    }
  }

  public init(
    id: String, base: String, kind: GenomeKind, files: [File], parents: [Parent] = [], recipe: Recipe? = nil, generation: Int = 0, author: String, sequence: Int64 = 1,
    previous: String? = nil, madeMilliseconds: Int64, domain: String, trainer: Trainer, metrics: [Metric] = [], privacy: Privacy? = nil, license: String, agent: String
  ) {
    (self.id, self.base, self.kind, self.files, self.parents, self.recipe) = (id, base, kind, files, parents, recipe)
    (self.generation, self.author, self.sequence, self.previous) = (generation, author, sequence, previous)
    (self.madeMilliseconds, self.domain, self.trainer, self.metrics) = (madeMilliseconds, domain, trainer, metrics)
    (self.privacy, self.license, self.agent) = (privacy, license, agent)
  }
}

/// How a genome stores its weights.
public enum GenomeKind: String, Sendable, CaseIterable {
  /// Low-rank factors in PEFT's format.
  case adapter
  /// A full difference to the base.
  case fullDelta = "full-delta"

  public static let configurationFile = "adapter_config.json"

  /// The safetensors file.
  public var weightsFile: String {
    switch self {
    case .adapter: "adapter_model.safetensors"
    case .fullDelta: "delta.safetensors"
    }
  }

  /// All files that the manifest names, in the order of their names.
  public var files: [String] {
    switch self {
    case .adapter: [Self.configurationFile, weightsFile]
    case .fullDelta: [weightsFile]
    }
  }
}
