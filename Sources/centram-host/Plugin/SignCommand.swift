internal import ArgumentParser
internal import CentramHost
internal import CentramPackaging

extension PluginCommand {
  struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "keygen", abstract: "Makes a publisher's Ed25519 key and prints its public half.",
      discussion: "The file is what openssl genpkey -algorithm ed25519 writes. Keep it to yourself: whoever has it publishes in your name.")
    @Argument(help: "Where to write the key; nothing may be there yet.") var file: String
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let key = PublicKeyText.encode(try PublisherKey.make(at: file).publicKey)
        if json { try Terminal.printJSON(["file": file, "publicKey": key]) } else { print(key) }
      }
    }
  }

  struct Sign: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "sign", abstract: "Signs a packed plugin: writes plugin.json.sig beside its plugin.json.")
    @Argument(help: "A plugin's folder.") var folder: String
    @Option(help: ArgumentHelp("A publisher's key.", valueName: "file")) var key: String
    @Option(help: ArgumentHelp("Refuse where plugin.json names another publisher.", valueName: "name")) var publisher: String?
    @Flag(help: "Print JSON.") var json = false

    struct Signed: Encodable {
      let id: String, version: String, publisher: String?, publicKey: String, signature: String
    }

    func run() throws {
      try Terminal.reporting {
        let key = try PublisherKey(path: key), manifest = try PluginSigner.sign(folder, key: key, publisher: publisher), signature = folder + "/plugin.json.sig"
        if json {
          return try Terminal.printJSON(
            Signed(
              id: manifest.id, version: "\(manifest.version)", publisher: manifest.publisher, publicKey: PublicKeyText.encode(key.publicKey), signature: signature))
        }
        print(signature)
      }
    }
  }
}
