import CentramHost
import CentramPluginAPI
import Testing

@Suite struct CEconomyTests {
  private struct View: LedgerView {
    func owner(ofGenome id: String) -> String? { id == "p1" ? "ann" : id == "p2" ? "bob" : nil }
    func generation(ofGenome id: String) -> Int? { id == "child" ? 1 : nil }
    func parents(ofGenome id: String) -> [LineageEntry.Parent] { id == "child" ? [.init(id: "p1", basisPoints: 7000), .init(id: "p2", basisPoints: 3000)] : [] }
    func balance(ofAccount account: String) -> Int64? { account == "payer" ? 1_000_000 : nil }
  }

  private func postings(_ event: EconomyEvent) throws -> [Posting] {
    try Workshop.host(fixture: "economy", id: "test.economy.split", kind: .economyRule).economyRule("split").postings(for: event, in: View())
  }

  @Test func readsTheViewAndEmitsInOrder() throws {
    let event = EconomyEvent(type: "payment", amount: 1000, subject: "child", payer: "payer", payee: "carol", detailsJSON: #"{"note":"ü"}"#)
    let found = try postings(event)
    #expect(
      found == [
        Posting(account: "payer", microCEN: -1000, memo: #"{"note":"ü"}"#), Posting(account: "ann", microCEN: 350, memo: "p1"),
        Posting(account: "bob", microCEN: 150, memo: "p2"), Posting(account: "carol", microCEN: 500, memo: "rest"),
      ])
    #expect(found.map(\.microCEN).reduce(0, +) == 0)
  }

  @Test func throwsWhatTheRuleSays() throws {
    let poor = EconomyEvent(type: "payment", amount: 2_000_000, subject: "child", payer: "payer", payee: "carol")
    let error = try #require(throws: PluginError.self) { _ = try postings(poor) }
    #expect(error == PluginError(.limitExceeded, "payer has 1000000, needs 2000000"))
    let other = try #require(throws: PluginError.self) { _ = try postings(EconomyEvent(type: "epoch", amount: 0, subject: "", payer: "", payee: "")) }
    #expect(other == PluginError(.unsupported, "no rule for epoch"))
  }
}
