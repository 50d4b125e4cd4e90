/// How a genome stands with this node.
public enum GenomeState: String, Sendable, CaseIterable, Codable {
  /// Here, and not judged yet.
  case received
  case accepted
  /// Refused by the gate. Its manifest stays as evidence; a collection frees its weights.
  case rejected
  /// Kept aside until more is known.
  case quarantined
  /// Taken back by its author. Final.
  case revoked
  /// Made by this node.
  case own
}

/// A genome as it is kept. Hashes and keys are 64 lower-case hexadecimal digits.
public struct GenomeRecord: Sendable, Equatable {
  public struct File: Sendable, Equatable {
    public var name: String
    /// SHA-256: the blob's name.
    public var hash: String
    public var size: Int
    public init(name: String, hash: String, size: Int) { (self.name, self.hash, self.size) = (name, hash, size) }
  }

  public struct Parent: Sendable, Equatable {
    public var id: String
    public var basisPoints: Int
    public init(id: String, basisPoints: Int) { (self.id, self.basisPoints) = (id, basisPoints) }
  }

  /// The content hash.
  public var id: String, base: String, author: String
  /// Place in the author's log, from 1, and the id of the entry before.
  public var sequence: UInt64, previous: String?
  public var parents: [Parent]
  public var generation: Int
  public var domain: String, kind: String
  public var madeMilliseconds: Int64
  public var files: [File]
  /// The bytes as signed, and the Ed25519 signature of 64 bytes.
  public var manifest: [UInt8], signature: [UInt8]
  public var state: GenomeState
  /// When the state became what it is.
  public var stateMilliseconds: Int64

  public init(
    id: String, base: String, author: String, sequence: UInt64, previous: String?, parents: [Parent], generation: Int, domain: String, kind: String,
    madeMilliseconds: Int64, files: [File], manifest: [UInt8], signature: [UInt8], state: GenomeState, stateMilliseconds: Int64
  ) {
    (self.id, self.base, self.author, self.sequence, self.previous) = (id, base, author, sequence, previous)
    (self.parents, self.generation, self.domain, self.kind) = (parents, generation, domain, kind)
    (self.madeMilliseconds, self.files, self.manifest, self.signature) = (madeMilliseconds, files, manifest, signature)
    (self.state, self.stateMilliseconds) = (state, stateMilliseconds)
  }

  public var size: Int { files.reduce(0) { $0 &+ $1.size } }
}

/// What adding a genome found.
public enum AddOutcome: Sendable, Equatable {
  case added
  case alreadyThere(GenomeState)
  /// It was added, and it proves that its author signed two entries at one place of the log; the author is frozen.
  case fork(other: String)
}
