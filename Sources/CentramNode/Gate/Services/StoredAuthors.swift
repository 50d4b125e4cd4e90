internal import CentramGenome
public import CentramPluginAPI
public import CentramStore

/// `centram.authors/1` over the store.
public struct StoredAuthors: AuthorService {
  private let store: GenomeStore
  /// This node's key, below which branches of invitations begin.
  private let own: String
  private let clock: any ClockService

  /// - Parameter own: 64 hexadecimal digits.
  public init(store: GenomeStore, own: String, clock: any ClockService) { (self.store, self.own, self.clock) = (store, own, clock) }

  /// How far back admissions count.
  static let history: Int64 = 3 * 86_400_000

  public func standing(ofAuthor author: String) async throws(PluginError) -> AuthorStanding {
    try StoredLineage.reporting { () throws(StoreError) in
      let branch = try store.branch(of: author, below: own)
      let history = try store.history(of: author, branch: branch, since: clock.unixMilliseconds - Self.history)
      let fork = try store.forkProof(of: author).map { "it signed two entries at \($0.sequence) of its log" }
      return AuthorStanding(
        revocation: try store.revocation(ofGenome: "", author: author).map(Self.reason), freeze: fork, accepted: history.accepted, branch: branch,
        admissions: history.admissions, branchAdmissions: history.branchAdmissions, branchInfluence: history.branchInfluence, influence: history.influence,
        branches: history.branches)
    }
  }

  public func entry(author: String, sequence: UInt64) async throws(PluginError) -> LineageEntry? {
    try StoredLineage.reporting { () throws(StoreError) in try store.entry(author: author, sequence: sequence).map { LineageEntry($0, measures: [:]) } }
  }

  public func revocation(ofGenome id: String) async throws(PluginError) -> String? {
    try StoredLineage.reporting { () throws(StoreError) in
      do throws(StoreError) {
        let author = try store.genome(id).author
        return try store.revocation(ofGenome: id, author: author).map(Self.reason)
      } catch {
        if error.code == .notFound { return nil }
        throw error
      }
    }
  }

  static func reason(_ entry: RevocationEntry) -> String {
    guard let signed = try? SignedRevocation(bytes: entry.signed) else { return "by its author" }
    return signed.message.isEmpty ? signed.reason.rawValue : "\(signed.reason.rawValue): \(signed.message)"
  }
}
