internal import ArgumentParser
internal import CentramDownload
internal import CentramNode
internal import Foundation

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Fetches, takes in, lists, checks, exports and removes models.",
    subcommands: [Download.self, Import.self, List.self, Info.self, Verify.self, Remove.self, Export.self, Bench.self])
}

/// Where the models are: `--models`, the configuration's `models.path`, or ~/.centram/models.
struct StoreOptions: ParsableArguments {
  @Option(name: .customLong("models"), help: ArgumentHelp("The store's folder. Default: models.path of the configuration, or ~/.centram/models.", valueName: "folder"))
  var folder: String?
  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file. Default: ~/.centram/config.json, where there is one.", valueName: "file"))
  var configurationFile: String?

  func store() throws -> ModelStore {
    let configured = try HostOptions.nodeConfiguration(configurationFile).modelFolder
    return ModelStore(folder: folder ?? configured ?? HostOptions.folder + "/models")
  }
}

/// A model of the store as JSON.
struct StoredModelSummary: Encodable {
  let name: String, source: String, bytes: Int, path: String
  let files: [StoredModel.File]

  init(_ model: StoredModel, _ store: ModelStore) throws {
    (name, source, bytes, files) = (model.name, model.source, model.bytes, model.files)
    path = try store.path(of: model)
  }
}

extension ModelCommand {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Shows the models that are here.")
    @OptionGroup var options: StoreOptions
    @Flag(help: "Show the short names that model download knows, too.") var known = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let store = try options.store()
        let (models, problems) = store.list()
        for problem in problems { Terminal.note("warning: \(problem.message)") }
        if json { return try Terminal.printJSON(try models.map { try StoredModelSummary($0, store) }) }
        let width = (models.map(\.name.count) + (known ? ModelName.known.map(\.name.count) : [])).max() ?? 0
        for model in models {
          print(
            "\(model.name.padding(toLength: width, withPad: " ", startingAt: 0))  \(Terminal.bytes(model.bytes))  \(Terminal.count(model.files.count, "file"))  from \(model.source)"
          )
        }
        if models.isEmpty { Terminal.note("no models yet; centram-host model download NAME, or model import PATH") }
        if known {
          for (name, repository) in ModelName.known { print("\(name.padding(toLength: width, withPad: " ", startingAt: 0))  can be fetched: \(repository)") }
        }
      }
    }
  }

  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verify", abstract: "Reads every byte of a model and compares it with what was fetched.")
    @Argument(help: "A model's name.") var name: String
    @OptionGroup var options: StoreOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable {
      struct Damage: Encodable { let path: String, reason: String }
      let name: String, files: Int, bytes: Int
      let damage: [Damage]
    }

    func run() throws {
      Interrupt.watch()
      try Terminal.reporting {
        let store = try options.store()
        let model = try store.model(name)
        let bar = ProgressBar(name, total: model.bytes, isShown: !json)
        let damage = try store.verify(model, progress: { bar.advance($0) }, isCancelled: { Interrupt.isRequested })
        bar.finish()
        if json {
          try Terminal.printJSON(Outcome(name: model.name, files: model.files.count, bytes: model.bytes, damage: damage.map { .init(path: $0.path, reason: $0.reason) }))
        } else if damage.isEmpty {
          print("\(model.name): \(Terminal.count(model.files.count, "file")), \(Terminal.bytes(model.bytes)), as fetched")
        }
        guard damage.isEmpty else {
          let list = damage.map { "\($0.path): \($0.reason)" }.joined(separator: "; ")
          throw ModelStoreError(.damaged, "\(model.name): \(list); remove the model and fetch it again")
        }
      }
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Removes a model, and the files that no other model has.")
    @Argument(help: "A model's name.") var name: String
    @OptionGroup var options: StoreOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Outcome: Encodable { let name: String, freedBytes: Int }

    func run() throws {
      try Terminal.reporting {
        let freed = try options.store().remove(name)
        if json { return try Terminal.printJSON(Outcome(name: name, freedBytes: freed)) }
        print("\(name): removed, \(Terminal.bytes(freed)) free")
      }
    }
  }
}
