internal import ArgumentParser
internal import CentramNode
internal import CentramStore
internal import Foundation

extension GenomeCommand {
  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "create", abstract: "Signs a trained adapter or difference as this node's next genome.",
      discussion: "Trainer, measures and privacy record come from training.json and privacy.json beside it; parents from the lineage.json of a merge.")
    @Argument(help: ArgumentHelp("What centram-host train or merge wrote.", valueName: "folder"), completion: .directory) var folder: String
    @OptionGroup var options: GenomeOptions
    @Option(help: "What it was trained on, such as code.swift. Default: general.") var domain: String?
    @Option(help: ArgumentHelp("The base model: a path, or the SHA-256 that names it. Default: the one that it was trained on.", valueName: "path|hash")) var base: String?
    @Option(help: "Its licence as an SPDX expression. Default: NOASSERTION.") var license: String?
    @Option(
      name: .customLong("parent"),
      help: ArgumentHelp("A genome that it was merged from, its share in basis points behind a colon. May be given again. Default: those of lineage.json.", valueName: "id[:share]")
    )
    var parents: [String] = []
    @Flag(help: "What it was merged from are no genomes.") var noParents = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      Interrupt.watch()
      try GenomeCommand.reporting(options) { library in
        var description = GenomeDescription()
        (description.base, description.allowsUnnamedParents) = (base, noParents)
        if let domain { description.domain = domain }
        if let license { description.license = license }
        guard parents.isEmpty || !noParents else { throw GenomePackageError(.usage, "--parent and --no-parents are both given; give one") }
        description.parents = try parents.map(Self.parent)
        (description.agent, description.hashCache) = ("centram-host/\(CentramVersion.text)", HostOptions.cacheFolder + "/file-hashes.json")
        let record = try library.create(folder, description, warn: { Terminal.note("warning: \($0)") }, isCancelled: { Interrupt.isRequested })
        if json { return try Terminal.printJSON(try GenomeSummary(record, library)) }
        print(record.id)
      }
    }

    static func parent(_ text: String) throws -> (id: String, basisPoints: Int?) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2 else { return (text, nil) }
      guard let points = Int(parts[1]), (1...10_000).contains(points) else { throw GenomePackageError(.usage, "--parent \(text): a share is from 1 to 10000 basis points") }
      return (String(parts[0]), points)
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Writes a genome as a folder that PEFT loads, or as one .genome file.", discussion: "A .genome file is a tar archive of the folder.")
    @Argument(help: "An id or its beginning.") var id: String
    @Option(help: ArgumentHelp("The folder to write, or a file whose name ends in .genome.", valueName: "path"), completion: .file()) var to: String
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Replace a .genome file that is there.") var force = false
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let id: String, path: String, bytes: Int }

    func run() throws {
      try GenomeCommand.reporting(options) { library in
        let record = try library.genome(id)
        let bar = ProgressBar(String(record.id.prefix(12)), total: record.size, isShown: !json)
        defer { bar.finish() }
        try library.export(record, to: to, replaces: force) { bar.advance($0) }
        bar.finish()
        if json { return try Terminal.printJSON(Outcome(id: record.id, path: to, bytes: record.size)) }
        print("\(record.id): \(to), \(Terminal.bytes(record.size))")
      }
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import", abstract: "Takes a genome in, from a folder or a .genome file.",
      discussion: "Signature and hashes are checked first. It stands as received until the gate has judged it.")
    @Argument(help: ArgumentHelp("A folder or a .genome file.", valueName: "path"), completion: .file()) var path: String
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let genome: GenomeSummary, wasThere: Bool, fork: String? }

    func run() throws {
      Interrupt.watch()
      try GenomeCommand.reporting(options) { library in
        let (record, outcome) = try library.import(path, isCancelled: { Interrupt.isRequested })
        var other: String?, wasThere = false
        switch outcome {
        case .added: break
        case .alreadyThere: wasThere = true
        case .fork(let id):
          other = id
          Terminal.note("warning: the author signed \(id) at the same place of its log, too; that is a proof of misbehaviour, and the author is frozen")
        }
        if json { return try Terminal.printJSON(Outcome(genome: try GenomeSummary(record, library), wasThere: wasThere, fork: other)) }
        print("\(record.id): \(record.state.rawValue)\(wasThere ? ", it was here already" : "")")
      }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify", abstract: "Checks signature and hashes of a folder, a file or a genome of the store; without either, the whole store.")
    @Argument(help: ArgumentHelp("A folder, a .genome file, or an id or its beginning.", valueName: "path|id"), completion: .file()) var target: String?
    @OptionGroup var options: GenomeOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let id: String, author: String, bytes: Int, isRevoked: Bool }
    private struct StoreOutcome: Encodable { let genomes: Int, findings: [GenomeStore.Finding] }

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        guard let target else { return try options.library(store) }
        if FileManager.default.fileExists(atPath: target) { return try show(try GenomeLibrary.verify(target, isCancelled: { Interrupt.isRequested }), isRevoked: false) }
        guard !target.contains("/"), !target.contains(".") else { throw GenomePackageError(.notFound, "\(target): there is no such file or folder") }
        try options.library { library in
          let record = try library.genome(target)
          try show(try library.verify(record), isRevoked: record.state == .revoked)
        }
      }
    }

    private func show(_ checked: CheckedGenome, isRevoked: Bool) throws {
      let (author, bytes) = (checked.author, checked.size)
      if json { return try Terminal.printJSON(Outcome(id: checked.id, author: author, bytes: bytes, isRevoked: isRevoked)) }
      print("\(checked.id): \(Terminal.bytes(bytes)), as \(author.prefix(16)) signed it\(isRevoked ? "; the author took it back" : "")")
    }

    private func store(_ library: GenomeLibrary) throws {
      let count = try library.store.genomes().count
      let findings = try library.store.check(isCancelled: { Interrupt.isRequested })
      if json { try Terminal.printJSON(StoreOutcome(genomes: count, findings: findings)) }
      guard findings.isEmpty else {
        throw GenomePackageError(.tampered, findings.map { "\($0.genome.map { $0.prefix(12) + ": " } ?? "")\($0.message)" }.joined(separator: "\n"))
      }
      if !json { print("\(Terminal.count(count, "genome")), the database and every file as written") }
    }
  }
}
