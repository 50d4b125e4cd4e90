/// Where an author's log stands, as far as this node let it advance.
public struct AuthorLog: Sendable, Equatable {
  public var lastSequence: UInt64
  public var lastID: String
  public init(lastSequence: UInt64, lastID: String) { (self.lastSequence, self.lastID) = (lastSequence, lastID) }
}

/// Two entries that one author signed at one place of the log: proof for anybody.
public struct ForkProof: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var manifest: [UInt8], signature: [UInt8]
    public init(manifest: [UInt8], signature: [UInt8]) { (self.manifest, self.signature) = (manifest, signature) }
  }
  public var author: String
  public var sequence: UInt64
  public var first: Entry, second: Entry
  public var timeMilliseconds: Int64
  public init(author: String, sequence: UInt64, first: Entry, second: Entry, timeMilliseconds: Int64) {
    (self.author, self.sequence, self.first, self.second, self.timeMilliseconds) = (author, sequence, first, second, timeMilliseconds)
  }
}

/// A genome, or everything of a key, taken back. `signed` are the bytes that say so, for whoever asks.
public struct RevocationEntry: Sendable, Equatable {
  public enum Scope: String, Sendable, CaseIterable { case genome, key }
  public var scope: Scope
  /// Id of the genome, or the key.
  public var subject: String
  public var signer: String
  public var signed: [UInt8]
  public var timeMilliseconds: Int64
  public init(scope: Scope, subject: String, signer: String, signed: [UInt8], timeMilliseconds: Int64) {
    (self.scope, self.subject, self.signer, self.signed, self.timeMilliseconds) = (scope, subject, signer, signed, timeMilliseconds)
  }
}
