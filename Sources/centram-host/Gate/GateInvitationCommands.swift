internal import ArgumentParser
internal import CentramNode
internal import CentramStore
internal import Foundation

extension GateCommand {
  struct Invite: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "invite", abstract: "Speaks for an author, who then stands in a branch of its own at gate.admission.",
      discussion: """
        All authors without an invitation share one branch, with one budget of genomes a day and one share of influence. Whom you invite begins a branch; whom they invite, \
        as you say with --by, stands in theirs and uses up theirs. An invitation is for good.
        """)
    @Argument(help: ArgumentHelp("The author's key: 64 hexadecimal digits.", valueName: "author")) var author: String
    @Option(help: ArgumentHelp("Who speaks for it: a key that was invited itself. Default: this node.", valueName: "key")) var by: String?
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let author = author.lowercased(), inviter = by?.lowercased() ?? library.author
        try library.store.invite(author, by: inviter, below: library.author, now: GenomeOptions.now())
        let invitation = try library.store.invitations().first { $0.author == author }
        if json { return try Terminal.printJSON(invitation) }
        let branch = try library.store.branch(of: author, below: library.author)
        print("\(author): invited by \(inviter == library.author ? "this node" : inviter), in \(branch == author ? "a branch of its own" : "the branch of \(branch)")")
      }
    }
  }

  struct Invitations: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "invitations", abstract: "Shows who was invited by whom, and how much of each is accepted.",
      discussion: """
        Weights are those of accepted genomes at gate.admission, added up: of the author, of the author with all whom its invitations lead to, and the share of that in \
        all that is accepted here.
        """)
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let own: String, influence: Double, invitations: [Invitation] }

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let invitations = try library.store.invitations(), influence = try library.store.history(of: "", branch: "", since: .max).influence
        if json { return try Terminal.printJSON(Outcome(own: library.author, influence: influence, invitations: invitations)) }
        guard !invitations.isEmpty else { return Terminal.note("nobody is invited: all authors share one branch; centram-host gate invite AUTHOR gives one its own") }
        func row(_ cells: [String]) {
          print(zip(cells, [64, 17, 20, 8, 7, 9, 0]).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }.joined(separator: "  "))
        }
        row(["author", "by", "since", "accepted", "weight", "of branch", "share"])
        for invitation in invitations {
          let by = invitation.inviter == library.author ? "this node" : String(invitation.inviter.prefix(16))
          let since = Date(timeIntervalSince1970: Double(invitation.timeMilliseconds) / 1000).formatted(.iso8601)
          let share = influence > 0 ? String(format: "%.1f %%", 100 * invitation.weightBelow / influence) : "-"
          row([
            invitation.author, by, since, String(invitation.accepted), String(format: "%.2f", invitation.weight), String(format: "%.2f", invitation.weightBelow), share,
          ])
        }
      }
    }
  }
}
