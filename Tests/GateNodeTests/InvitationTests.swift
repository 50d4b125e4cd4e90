import CentramNode
import CentramPluginAPI
import CentramStore
import GateCorpus
import Testing

@Suite struct InvitationTests {
  let node: TestNode
  init() throws { node = try TestNode() }

  private func invite(_ author: UInt64, by inviter: UInt64? = nil) throws(StoreError) {
    try node.store.invite(CorpusKey(author).hex, by: inviter.map { CorpusKey($0).hex } ?? node.library.author, below: node.library.author, now: Int64(author))
  }

  private func refusal(_ body: () throws(StoreError) -> Void) -> StoreError? {
    do throws(StoreError) { try body() } catch { return error }
    return nil
  }

  @Test func theGateCountsAnInvitersBranchTogetherAndOthersApart() async throws {
    node.settings.policies["gate.admission"] = #"{"branch_per_day": 2}"#
    try invite(1)
    try invite(2, by: 1)
    try invite(3)
    let judge = try node.judge()
    func judged(_ author: UInt64, seed: UInt64) async throws -> GateReport { try await judge.judge(try node.receive(node.next(author, seed: seed)).id, .inbound) }
    let (first, second) = (try await judged(1, seed: 41), try await judged(2, seed: 42))
    #expect(first.isAccepted && second.isAccepted, "\(first.outcome) \(second.outcome)")
    // The third of the branch, by whichever of its authors, is one too many; another branch has its own two.
    let third = try await judged(1, seed: 43), other = try await judged(3, seed: 44)
    guard case .rejected("gate.admission", let reason) = third.outcome else { throw StoreError(.invalid, "\(third.outcome)") }
    #expect(reason.contains("its author's branch has used up 2 genomes a day") && other.isAccepted, "\(reason) \(other.outcome)")
    let branch = other.verdicts.first { $0.layer == "gate.admission" }?.evidence.first { $0.name == "branch" }?.value
    #expect(branch?.prefix(8) == CorpusKey(3).hex.prefix(8), "\(branch ?? "none")")
    let list = try node.store.invitations()
    #expect(list.map(\.author) == [1, 2, 3].map { CorpusKey($0).hex } && list.map(\.inviter) == [node.library.author, CorpusKey(1).hex, node.library.author])
    #expect(list.map(\.accepted) == [1, 1, 1] && list.map(\.weight) == [0.25, 0.25, 0.25] && list.map(\.weightBelow) == [0.5, 0.25, 0.25], "\(list)")
  }

  @Test func invitationsThatMeanNothingAreRefusedAndChangeNothing() throws {
    let own = node.library.author
    try invite(1)
    try invite(2, by: 1)
    for (author, inviter, code, words) in [
      (own, own, StoreError.Code.invalid, "this node's own key"), (CorpusKey(5).hex, CorpusKey(5).hex, .invalid, "nobody invites itself"),
      (CorpusKey(5).hex, CorpusKey(6).hex, .invalid, "centram-host gate invite \(CorpusKey(6).hex)"), (CorpusKey(2).hex, own, .conflict, "was invited by \(CorpusKey(1).hex)"),
      (CorpusKey(1).hex, CorpusKey(2).hex, .conflict, "circle"), ("ab", own, .invalid, "64 hexadecimal digits"),
      (String(repeating: "G", count: 64), own, .invalid, "64 hexadecimal digits"), (CorpusKey(5).hex, "", .invalid, "64 hexadecimal digits"),
    ] {
      let found = refusal { () throws(StoreError) in try node.store.invite(author, by: inviter, below: own, now: 9) }
      #expect(found?.code == code && found?.message.contains(words) == true, "\(author) by \(inviter): \(found?.message ?? "taken")")
    }
    #expect(try node.store.invitations().map(\.author) == [CorpusKey(1).hex, CorpusKey(2).hex])
  }

  @Test func aChainIsAsLongAsItIsFollowedAndNotOneLonger() throws {
    let longest = UInt64(GenomeStore.maximumInvitations)
    try invite(1)
    for author in 2...longest { try invite(author, by: author - 1) }
    let branch = try node.store.branch(of: CorpusKey(longest).hex, below: node.library.author)
    #expect(branch == CorpusKey(1).hex)
    let found = refusal { () throws(StoreError) in try invite(longest + 1, by: longest) }
    #expect(found?.code == .invalid && found?.message.contains("\(longest) are allowed") == true)
    try invite(longest + 1, by: longest - 1)
  }
}
