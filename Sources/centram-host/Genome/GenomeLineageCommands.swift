public import ArgumentParser
public import CentramNode
internal import CentramStore
internal import Foundation

extension GenomeCommand {
  struct Lineage: ParsableCommand {
    enum Graph: String, ExpressibleByArgument, CaseIterable { case dot, svg }

    static let configuration = CommandConfiguration(commandName: "lineage", abstract: "Shows what a genome descends from and what descends from it.")
    @Argument(help: "An id or its beginning.") var id: String
    @Option(help: "Print a picture: dot for Graphviz, or svg.") var graph: Graph?
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable {
      struct Edge: Encodable { let child: String, parent: String, basisPoints: Int }
      let root: String, genomes: [GenomeSummary], unknown: [String], edges: [Edge]
    }

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        guard !json || graph == nil else { throw GenomePackageError(.usage, "--json and --graph are both given; give one") }
        let lineage = try library.store.lineage(of: try library.genome(id).id)
        if json {
          return try Terminal.printJSON(
            Outcome(
              root: lineage.root, genomes: try lineage.genomes.map { try GenomeSummary($0, library) }, unknown: lineage.unknown,
              edges: lineage.edges.map { .init(child: $0.child, parent: $0.parent, basisPoints: $0.basisPoints) }))
        }
        let picture = LineagePicture(lineage)
        switch graph {
        case .dot: print(picture.dot, terminator: "")
        case .svg: print(picture.svg, terminator: "")
        case nil: print(picture.text)
        }
      }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "revoke", abstract: "Takes a genome of this node back, for good.",
      discussion: "It is signed and cannot be undone. What descends from the genome is kept aside here; others do so when the revocation reaches them.")
    @Argument(help: "An id or its beginning.") var id: String
    @Option(help: "Why: \(SignedRevocation.Reason.allCases.map(\.rawValue).joined(separator: ", ")).") var reason: SignedRevocation.Reason = .unspecified
    @Option(help: "A sentence for people.") var message: String?
    @Option(help: ArgumentHelp("The genome that takes its place.", valueName: "id")) var replacement: String?
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let id: String, reason: String, changed: [String] }

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let record = try library.genome(id)
        let other = try replacement.map { try library.genome($0) }
        let (revocation, changed) = try library.revoke(record, reason: reason, message: message ?? "", replacement: other)
        if json { return try Terminal.printJSON(Outcome(id: record.id, reason: revocation.reason.rawValue, changed: changed)) }
        print("\(record.id): revoked")
        for descendant in changed where descendant != record.id { print("\(descendant): descends from it, kept aside") }
      }
    }
  }
}

extension SignedRevocation.Reason: ExpressibleByArgument {}
