internal import ArgumentParser
internal import CentramDownload
internal import CentramHost
internal import CentramPackaging

extension PluginCommand {
  struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "install", abstract: "Installs a packed plugin from a file, a folder or an address, after every check before loading.",
      discussion: "Nothing of it runs. It is kept by its hash; the same again changes nothing, and where anything fails the plugins are as they were.")
    @Argument(help: "An archive, a plugin's folder, or an https:// address.") var source: String
    @Option(help: ArgumentHelp("The archive's SHA-256; anything else is refused.", valueName: "hash")) var sha256: String?
    @Option(help: ArgumentHelp("The plugins folder. Default: ~/.centram/plugins.", valueName: "folder")) var into: String?
    @Flag(help: "Put it in the place of another content of the same id and version.") var replace = false
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    struct Summary: Encodable {
      let outcome: String, id: String, version: String, path: String, manifestSHA256: String, librarySHA256: String, publisher: String?, placement: String
    }

    func run() throws {
      try Terminal.reporting {
        let installer = PluginInstaller(
          folder: into ?? HostOptions.pluginFolder, host: options.hostConfiguration(try options.nodeConfiguration()), fetcher: CurlFetcher(version: CentramVersion.text))
        let it = try installer.install(source, sha256: sha256, replaces: replace)
        if json {
          return try Terminal.printJSON(
            Summary(
              outcome: it.outcome.rawValue, id: it.id, version: "\(it.version)", path: it.path, manifestSHA256: it.manifestHash, librarySHA256: it.libraryHash,
              publisher: it.publisher, placement: it.placement.rawValue))
        }
        print("\(it.id) \(it.version) \(it.outcome.rawValue): \(it.path) (\(it.publisher.map { "signed by \($0)" } ?? "no trusted signature"), \(it.placement.rawValue))")
      }
    }
  }

  struct Uninstall: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "uninstall", abstract: "Takes a plugin out of the plugins folder.")
    @Argument(help: "An id, or ID@RANGE: com.acme.median, com.acme.median@1.x.") var plugin: String
    @Option(help: ArgumentHelp("The plugins folder. Default: ~/.centram/plugins.", valueName: "folder")) var from: String?
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let removed = try PluginInstaller(folder: from ?? HostOptions.pluginFolder, host: HostConfiguration()).uninstall(plugin)
        if json { try Terminal.printJSON(["removed": removed]) } else { for name in removed { print("removed \(name)") } }
      }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify", abstract: "Reads everything that is installed again: hashes, signatures, revocations. Exit code 69 where something is wrong.")
    @Argument(help: "A plugin's id, folder or library. Default: all.") var plugin: String?
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    struct Summary: Encodable { let title: String, path: String, publisher: String?, placement: String, isValid: Bool, reason: String? }

    func run() throws {
      try Terminal.reporting {
        let verdicts = try PluginVerifier(options.host(try options.nodeConfiguration())).verdicts(plugin)
        if json {
          try Terminal.printJSON(
            verdicts.map {
              Summary(title: $0.title, path: $0.path, publisher: $0.publisher, placement: $0.placement.rawValue, isValid: $0.failure == nil, reason: $0.failure)
            })
        } else {
          for verdict in verdicts {
            let signer = verdict.publisher.map { "signed by \($0)" } ?? "unsigned"
            print(verdict.failure.map { "FAILED  \(verdict.title): \($0) (\(verdict.path))" } ?? "ok      \(verdict.title)  \(signer), \(verdict.placement.rawValue)")
          }
        }
        guard verdicts.allSatisfy({ $0.failure == nil }) else { throw ExitCode(69) }
      }
    }
  }
}
