/// What was let in of an author, and of the branch of invitations that the author stands in.
public struct AuthorHistory: Sendable, Equatable {
  /// Genomes that the whole gate let in, ever.
  public var accepted = 0
  /// Unix milliseconds at which admission let genomes in, ascending.
  public var admissions: [Int64] = [], branchAdmissions: [Int64] = []
  /// Weights of the genomes that are accepted now, added up: of the branch and of all.
  public var branchInfluence = 0.0, influence = 0.0
  /// Branches that have an accepted genome.
  public var branches = 0
  public init() {}
}

/// An update as it is known by its sketch.
public struct SketchRecord: Sendable, Equatable {
  public var genome: String, author: String
  public var timeMilliseconds: Int64
  public var elements: [Float]
  public init(genome: String, author: String, timeMilliseconds: Int64, elements: [Float]) {
    (self.genome, self.author, self.timeMilliseconds, self.elements) = (genome, author, timeMilliseconds, elements)
  }
}

/// One of the node's own trainings.
public struct OwnTraining: Sendable, Equatable {
  /// What a private training did, as its trainer wrote it down.
  public struct Account: Sendable, Equatable, Codable {
    public var steps: Int
    public var sampling: String
    public var samplingRate: Double, noiseMultiplier: Double, clippingNorm: Double
    public var isAFrozen: Bool
    public init(steps: Int, sampling: String, samplingRate: Double, noiseMultiplier: Double, clippingNorm: Double, isAFrozen: Bool) {
      (self.steps, self.sampling, self.samplingRate) = (steps, sampling, samplingRate)
      (self.noiseMultiplier, self.clippingNorm, self.isAFrozen) = (noiseMultiplier, clippingNorm, isAFrozen)
    }
  }

  public var genome: String
  /// Sequences of the data set.
  public var sequences: Int
  /// Nil where the training was not private.
  public var account: Account?
  /// When something that was made of it first left the node; nil before.
  public var leftMilliseconds: Int64?
  public init(genome: String, sequences: Int, account: Account? = nil, leftMilliseconds: Int64? = nil) {
    (self.genome, self.sequences, self.account, self.leftMilliseconds) = (genome, sequences, account, leftMilliseconds)
  }
}
