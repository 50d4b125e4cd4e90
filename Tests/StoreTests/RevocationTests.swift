import CentramStore
import StoreSamples
import Testing

@Suite struct RevocationTests {
  let folder = try! TemporaryFolder()
  let store: GenomeStore

  init() throws { store = try GenomeStore(folder: folder("genomes")) }

  @Test func aRevocationReachesDescendantsAndKeepsThemAside() throws {
    for sample in [Sample(1, author: 1), Sample(2, author: 2, parents: [1]), Sample(3, author: 3, parents: [2]), Sample(4, author: 4), Sample(5, author: 5, parents: [3])] {
      try sample.add(to: store)
    }
    try store.decide(Sample.id(3), .accepted, advancesLog: true, now: 5)
    try store.decide(Sample.id(5), .rejected, advancesLog: true, now: 5)
    let changed = try store.revoke(Sample.revocation(of: 1, by: 1))
    #expect(Set(changed) == Set([1, 2, 3].map(Sample.id)))
    let states = try (1...5).map { try store.genome(Sample.id($0)).state }
    #expect(states == [.revoked, .quarantined, .quarantined, .received, .rejected])
    let verdicts = try store.verdicts(of: Sample.id(3))
    #expect(verdicts.count == 1 && verdicts[0].layer == GenomeStore.revocationLayer && verdicts[0].reason.contains(Sample.id(1)))
    // The same again changes nothing.
    let again = try store.revoke(Sample.revocation(of: 1, by: 1))
    let count = try store.verdicts(of: Sample.id(3)).count
    #expect(again.isEmpty && count == 1)
    let entry = try store.revocation(ofGenome: Sample.id(1), author: Sample.key(1))
    #expect(entry == Sample.revocation(of: 1, by: 1))
  }

  @Test func aGenomeThatComesAfterItsRevocationIsRevoked() throws {
    let changed = try store.revoke(Sample.revocation(of: 1, by: 1))
    try Sample(1, author: 1).add(to: store)
    let state = try store.genome(Sample.id(1)).state
    #expect(changed.isEmpty && state == .revoked)
  }

  @Test func nobodyTakesBackWhatAnotherMade() throws {
    try Sample(1, author: 1).add(to: store)
    let changed = try store.revoke(Sample.revocation(of: 1, by: 2))
    let (state, entry) = (try store.genome(Sample.id(1)).state, try store.revocation(ofGenome: Sample.id(1), author: Sample.key(1)))
    #expect(changed.isEmpty && state == .received && entry == nil)
  }

  @Test func aRevokedKeyTakesAllItsGenomesBack() throws {
    for sample in [Sample(1, author: 1), Sample(2, author: 1, sequence: 2), Sample(3, author: 2)] { try sample.add(to: store) }
    let changed = try store.revoke(RevocationEntry(scope: .key, subject: Sample.key(1), signer: Sample.key(1), signed: [1], timeMilliseconds: 3))
    try Sample(4, author: 1, sequence: 3).add(to: store)
    let states = try (1...4).map { try store.genome(Sample.id($0)).state }, all = try store.revocations()
    #expect(changed.count == 2 && states == [.revoked, .revoked, .received, .revoked] && all.count == 1)
  }
}
