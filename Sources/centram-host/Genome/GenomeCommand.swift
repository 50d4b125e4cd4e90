public import ArgumentParser
internal import CentramNode
public import CentramStore
internal import Foundation

struct GenomeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "genome", abstract: "Makes, lists, checks, exchanges as files, draws and takes back genomes.",
    discussion: """
      A genome is a trained adapter or difference with a signed manifest: who made it, from what, on which base model. Ids may be shortened to any beginning of four \
      digits or more that only one genome has.
      """,
    subcommands: [Create.self, List.self, Show.self, Export.self, Import.self, Verify.self, Lineage.self, Revoke.self, Collect.self, Repair.self])
}

/// Where the genomes are: `--genomes`, the configuration's `genomes.path`, or ~/.centram/genomes.
struct GenomeOptions: ParsableArguments {
  @Option(name: .customLong("genomes"), help: ArgumentHelp("The folder of genomes. Default: genomes.path of the configuration, or ~/.centram/genomes.", valueName: "folder"))
  var folder: String?
  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file. Default: ~/.centram/config.json, where there is one.", valueName: "file"))
  var configurationFile: String?

  func path() throws -> String {
    let configured = try HostOptions.nodeConfiguration(configurationFile).genomeFolder
    return folder ?? configured ?? HostOptions.folder + "/genomes"
  }

  func identity() throws -> NodeIdentity { try NodeIdentity(path: HostOptions.folder + "/identity") }

  /// Opens the store and lends it with this node's key.
  func library<Value>(_ body: (GenomeLibrary) throws -> Value) throws -> Value {
    let store = try GenomeStore(folder: try path())
    let result = try body(GenomeLibrary(store: store, identity: try identity(), now: { Self.now() }))
    try store.close()
    return result
  }

  static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
}

extension GenomeCommand {
  /// Runs a command's body on the genomes, its errors as lines.
  static func reporting(_ options: GenomeOptions, _ body: (GenomeLibrary) throws -> Void) throws { try Terminal.reporting { try options.library(body) } }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Shows the genomes that are here, newest first.")
    @OptionGroup var options: GenomeOptions
    @Option(help: ArgumentHelp("Only those of a state: \(GenomeState.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "state")) var state: GenomeState?
    @Option(help: "Only those of a domain.") var domain: String?
    @Option(help: ArgumentHelp("Only those of an author: 64 hexadecimal digits.", valueName: "key")) var author: String?
    @Option(help: "At most so many.") var limit: Int?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        guard limit ?? 1 > 0 else { throw GenomePackageError(.usage, "--limit \(limit ?? 0): from 1") }
        let records = try library.store.genomes(state: state, domain: domain, author: author?.lowercased(), limit: limit ?? .max)
        if json { return try Terminal.printJSON(try records.map { try GenomeSummary($0, library) }) }
        guard !records.isEmpty else { return Terminal.note("no genomes; centram-host genome create FOLDER makes one of a trained adapter, genome import PATH takes one in") }
        let width = records.map(\.domain.count).max() ?? 0
        for record in records {
          let parents = record.parents.isEmpty ? "" : "  from \(record.parents.map { $0.id.prefix(12) }.joined(separator: ", "))"
          print(
            "\(record.id.prefix(12))  \(record.state.rawValue.padding(toLength: 11, withPad: " ", startingAt: 0))  \(record.domain.padding(toLength: width, withPad: " ", startingAt: 0))  "
              + "\(record.kind)  \(Terminal.bytes(record.size))  by \(record.author.prefix(8)) #\(record.sequence)  generation \(record.generation)\(parents)")
        }
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows what is known of a genome: its manifest, verdicts, measures.")
    @Argument(help: "An id or its beginning.") var id: String
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let details = try GenomeDetails(try library.genome(id), library)
        if json { try Terminal.printJSON(details) } else { print(details.text) }
      }
    }
  }

  struct Collect: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "gc", abstract: "Frees the files that no genome needs.",
      discussion: "Files of rejected genomes go, their manifests and verdicts stay. Files that came within the last hour stay, too.")
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Free the files of revoked genomes, too.") var revoked = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let collected = try library.collect(includingRevoked: revoked)
        if json { return try Terminal.printJSON(collected) }
        print("\(Terminal.count(collected.files, "file")), \(Terminal.bytes(collected.bytes)) freed")
        if collected.abandoned > 0 { print("\(Terminal.count(collected.abandoned, "temporary file")) of killed processes removed") }
      }
    }
  }

  struct Repair: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "repair", abstract: "Rebuilds a damaged database from signed manifests, revocations and files.",
      discussion: "The damaged one is kept beside the new one. Genomes of others come back as received: the gate judges them again. Stop centram-host serve first.")
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let repaired = try GenomeLibrary.repair(folder: try options.path(), identity: try options.identity(), now: GenomeOptions.now())
        if json { return try Terminal.printJSON(repaired) }
        print("\(Terminal.count(repaired.genomes, "genome")), \(Terminal.count(repaired.files, "file")), \(Terminal.count(repaired.revocations, "revocation")) taken in")
        print("\(Terminal.count(repaired.verdicts, "verdict")), \(Terminal.count(repaired.metrics, "measure")) read from the old database")
        if let aside = repaired.aside { print("the old database is now \(aside)") }
        for finding in repaired.findings { Terminal.note("warning: \(finding.message)") }
      }
    }
  }
}

extension GenomeState: ExpressibleByArgument {}
