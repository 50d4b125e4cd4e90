// SPDX-License-Identifier: Apache-2.0
// What the first five gate layers ask of the node beyond `LineageService` and `ClockService`. All of it is read only: a layer judges,
// the node acts on the verdict and keeps the state.

/// `centram.base/1`: the base models that the node runs.
public protocol BaseModelService: Sendable {
  /// The parameters of a base by its SHA-256 in hexadecimal digits; nil where the node does not run it.
  func parameters(ofBase hash: String) async throws(PluginError) -> [BaseParameter]?
}

/// A tensor of a base model.
public struct BaseParameter: Sendable, Equatable {
  /// As in its checkpoint: `model.layers.0.self_attn.q_proj.weight`.
  public var name: String
  /// Outermost first.
  public var shape: [Int]
  public init(name: String, shape: [Int]) { (self.name, self.shape) = (name, shape) }
}

/// `centram.authors/1`: what the node keeps about those who make genomes. Keys and ids are hexadecimal digits.
public protocol AuthorService: Sendable {
  func standing(ofAuthor author: String) async throws(PluginError) -> AuthorStanding
  /// The genome that stands at a place of an author's log, where the node knows one: only of manifests whose signature was found to hold, or
  /// anybody could make two entries in another's name.
  func entry(author: String, sequence: UInt64) async throws(PluginError) -> LineageEntry?
  /// Why a genome was taken back; nil where it was not.
  func revocation(ofGenome id: String) async throws(PluginError) -> String?
}

/// One author as the node knows it. All zero for a stranger.
public struct AuthorStanding: Sendable, Equatable {
  /// Why the key no longer counts; nil where it does.
  public var revocation: String?
  /// The proof for which the author was frozen: two entries at one place of the log.
  public var freeze: String?
  /// Genomes of this author that the whole gate let in, ever.
  public var accepted: Int
  /// Whose invitation the author came by, directly or by others: the key that stands right below the node's own. Empty for all who
  /// came without one; they are one branch.
  public var branch: String
  /// Unix milliseconds at which `gate.admission` let genomes in, of this author and of the branch, ascending, for at least two days back.
  public var admissions: [Int64], branchAdmissions: [Int64]
  /// Weights of the accepted genomes, added up: of the branch and of all.
  public var branchInfluence: Double, influence: Double
  /// Branches that have an accepted genome.
  public var branches: Int

  public init(
    revocation: String? = nil, freeze: String? = nil, accepted: Int = 0, branch: String = "", admissions: [Int64] = [], branchAdmissions: [Int64] = [],
    branchInfluence: Double = 0, influence: Double = 0, branches: Int = 0
  ) {
    (self.revocation, self.freeze, self.accepted, self.branch) = (revocation, freeze, accepted, branch)
    (self.admissions, self.branchAdmissions) = (admissions, branchAdmissions)
    (self.branchInfluence, self.influence, self.branches) = (branchInfluence, influence, branches)
  }
}

/// `centram.ancestry/1`: genomes that the node does not have, from its peers, and merges done again.
public protocol AncestryService: Sendable {
  /// Asks peers for a genome's manifest and returns what it says after its signature was found to hold; nil where nobody has it.
  func fetch(_ id: String) async throws(PluginError) -> LineageEntry?
  /// Carries out a merge and returns SHA-256 (32 bytes) of each file by its name; nil where the operator's version or a parent's files are not here.
  func remake(_ recipe: MergeRecipe) async throws(PluginError) -> [String: [UInt8]]?
}

/// A merge of genomes, exactly as a manifest declares it.
public struct MergeRecipe: Sendable, Equatable {
  public var operatorID: String, operatorVersion: String
  /// A JSON object.
  public var parametersJSON: String
  /// In their order, with weights.
  public var parents: [LineageEntry.Parent]
  /// Hex.
  public var base: String
  /// `adapter` or `full-delta`.
  public var genomeKind: String
  public init(operatorID: String, operatorVersion: String, parametersJSON: String, parents: [LineageEntry.Parent], base: String, genomeKind: String) {
    (self.operatorID, self.operatorVersion, self.parametersJSON) = (operatorID, operatorVersion, parametersJSON)
    (self.parents, self.base, self.genomeKind) = (parents, base, genomeKind)
  }
}

/// `centram.sketches/1`: small images of known updates, by which copies are found without their weights.
public protocol SketchService: Sendable {
  /// The node's own secret, at least 16 bytes, which decides how sketches are made: who does not know it cannot make two updates that only look alike or apart.
  var key: [UInt8] { get }
  /// Sketches of genomes on a base that were let in, newest first, never the genome's own.
  func known(base: String, except contentHash: [UInt8], limit: Int) async throws(PluginError) -> [KnownUpdate]
}

public struct KnownUpdate: Sendable, Equatable {
  /// Hex.
  public var id: String, author: String
  /// When it was let in.
  public var unixMilliseconds: Int64
  public var sketch: [Float]
  public init(id: String, author: String, unixMilliseconds: Int64, sketch: [Float]) {
    (self.id, self.author, self.unixMilliseconds, self.sketch) = (id, author, unixMilliseconds, sketch)
  }
}
