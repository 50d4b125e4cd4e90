import Foundation
import Testing

/// A publisher and an operator, as they use the real `centram-host`.
@Suite struct TrustCommandTests {
  private struct Trusted: Decodable {
    struct Publisher: Decodable { let name: String, key: String, ids: [String], revoked: String? }
    let publishers: [Publisher], untrusted: String
  }
  private struct Installed: Decodable { let outcome: String, id: String, publisher: String?, placement: String }

  private func compiled(in folder: TemporaryFolder) throws -> String {
    let source = Repository.root.appendingPathComponent("Examples/MergeOperatorC/median.c").path, library = folder("libmedian.so")
    let include = Repository.root.appendingPathComponent("Sources/CentramPluginAPI/C/include").path
    let result = try Binary.Running("/usr/bin/cc", ["-O2", "-fPIC", "-shared", "-ffp-contract=off", "-I", include, source, "-o", library], [:]).wait()
    try #require(result.status == 0, "\(result.errors)")
    return library
  }

  private func json<Value: Decodable>(_ type: Value.Type, _ result: Binary.Result) throws -> Value {
    try JSONDecoder().decode(type, from: Data(result.output.utf8))
  }

  @Test func theCommandsOfTheTrustPageRunAsTheyStand() throws {
    let folder = try TemporaryFolder(), page = try String(contentsOf: Repository.root.appendingPathComponent("docs/plugins/trust.md"), encoding: .utf8)
    _ = try compiled(in: folder)
    let blocks = page.components(separatedBy: "```sh\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    #expect(blocks.count == 3)
    let script = "set -eux\ncd '\(folder.path)'\n" + blocks.joined()
    let environment = ["HOME": folder("home"), "PATH": "\(Binary.folder):/usr/bin:/bin"]
    let result = try Binary.Running("/bin/sh", ["-c", script], environment).wait()
    try #require(result.status == 0, "\(result.output)\n\(result.errors)")
    for part in ["example.merge.median 1.0.0 installed", "signed by acme, in-process", "REVOKED", "its key was lost on a train", "removed example.merge.median-1.0.0"] {
      #expect(result.output.contains(part), "\(part) in \(result.output)")
    }
  }

  @Test func anOperatorWhoTakesNoStrangersIsToldWhyAndHowAndRevokingIsHeard() throws {
    let folder = try TemporaryFolder(), home = ["HOME": folder("home")]
    let config = try folder.write(#"{"plugins": {"untrusted": "refuse"}}"#, as: "config.json"), library = try compiled(in: folder)
    func host(_ arguments: String...) throws -> Binary.Result { try Binary.run(["plugin"] + arguments, environment: home) }
    let key = try host("keygen", folder("acme.key")).output.trimmingCharacters(in: .whitespacesAndNewlines)
    let packed = try host("pack", library, "--into", folder("dist"), "--publisher", "acme").output.trimmingCharacters(in: .whitespacesAndNewlines)
    let unsigned = try host("install", packed, "--config", config)
    #expect(unsigned.status == 69 && unsigned.errors.contains("this host takes signed plugins only (trusted: nobody)"), "\(unsigned.errors)")
    #expect(try host("sign", packed, "--key", folder("acme.key"), "--publisher", "acme").status == 0)
    let stranger = try host("install", packed, "--config", config)
    #expect(stranger.status == 69 && stranger.errors.contains("centram-host plugin trust"), "\(stranger.errors)")
    let trusted = try json(Trusted.self, host("trust", "acme", "--key", key, "--ids", "example.*", "--config", config, "--json"))
    #expect(trusted.untrusted == "refuse" && trusted.publishers.first { $0.name == "acme" }?.key == key)
    let installed = try json(Installed.self, host("install", packed, "--config", config, "--json"))
    #expect(installed.outcome == "installed" && installed.publisher == "acme" && installed.placement == "in-process")
    #expect(try json(Installed.self, host("install", packed, "--config", config, "--json")).outcome == "unchanged")
    #expect(try host("verify", "example.merge.median", "--config", config).status == 0)
    #expect(try host("revoke", "--key", key, "--reason", "lost on a train").status == 0)
    let verified = try host("verify", "example.merge.median", "--config", config), listed = try host("list")
    #expect(verified.status == 69 && verified.output.contains("FAILED") && verified.output.contains("lost on a train"), "\(verified.output)\(verified.errors)")
    #expect(listed.output.contains("was revoked on") && listed.output.contains("lost on a train"), "\(listed.output)")
    let again = try host("trust", "acme", "--key", key, "--ids", "*")
    #expect(again.status == 69 && again.errors.contains("a revoked key is not trusted again"), "\(again.errors)")
  }

  @Test func configurationAndTrustFileCountTogetherAndUntrustingSaysWhereTrustIsLeft() throws {
    let folder = try TemporaryFolder(), home = ["HOME": folder("home")], key = try Binary.run("plugin", "keygen", folder("key")).output.dropLast()
    let config = try folder.write(#"{"plugins": {"publishers": [{"name": "acme", "key": "\#(key)", "ids": ["example.*"]}]}}"#, as: "config.json")
    func host(_ arguments: String...) throws -> Binary.Result { try Binary.run(["plugin"] + arguments, environment: home) }
    let packed = try host("pack", compiled(in: folder), "--into", folder("dist"), "--key", folder("key")).output.trimmingCharacters(in: .whitespacesAndNewlines)
    #expect(try json(Installed.self, host("install", packed, "--config", config, "--json")).publisher == "acme")
    #expect(try host("trust", "acme", "--key", String(key), "--ids", "*").status == 0)
    let left = try host("untrust", "acme", "--config", config)
    #expect(left.status == 0 && left.output.contains("1 key") && left.errors.contains("trusts acme still"), "\(left.errors)")
    #expect(try host("verify", "example.merge.median", "--config", config).status == 0)
    let stranger = try host("verify", "example.merge.median")
    #expect(stranger.status == 69 && stranger.output.contains("not the signature of a trusted publisher (nobody)"), "\(stranger.output)\(stranger.errors)")
    let again = try host("untrust", "acme")
    #expect(again.status == 69 && again.errors.contains("no publisher is trusted as acme"), "\(again.errors)")
  }

  @Test(arguments: [
    (["trust", "acme"], "--key and at least one --ids are needed"), (["trust"], "give a publisher's name, or --list"),
    (["trust", "acme", "--key", "x", "--ids", "*", "--kinds", "trainr"], "there is no kind trainr; nearest: trainer"),
    (["revoke", "--reason", "x"], "give one of"), (["revoke", "acme"], "--reason"),
  ]) func wrongUsageIsTold(arguments: [String], sentence: String) throws {
    let result = try Binary.run(["plugin"] + arguments)
    #expect(result.status == 64 && result.errors.contains(sentence), "\(result.errors)")
  }

  @Test func aDamagedTrustFileStopsTheHostAndIsNotTakenForAnEmptyOne() throws {
    let folder = try TemporaryFolder(), file = try folder.write(#"{"schema": 1, "revokdKeys": []}"#, as: "t.json")
    let result = try Binary.run("plugin", "list", "--trust", file)
    #expect(result.status == 69 && result.errors.contains("nearest: revokedKeys"), "\(result.errors)")
    let word = try Binary.run("plugin", "list", "--config", folder.write(#"{"plugins": {"untrusted": "maybe"}}"#, as: "c.json"))
    #expect(word.status == 65 && word.errors.contains("plugins.untrusted must be one of refuse, isolate, allow"), "\(word.errors)")
    let missing = try Binary.run("plugin", "list", "--trust", folder("none.json"))
    #expect(missing.status == 69 && missing.errors.contains("there is no such file"), "\(missing.errors)")
  }

  /// What Scripts/install does with plugins, around the binary that is being tested.
  @Test func theInstallationSignsItsOwnPluginsAndKeepsTheKeyNowhere() throws {
    let folder = try TemporaryFolder(), prefix = folder("prefix"), work = folder("work")
    for path in ["\(prefix)/bin", "\(prefix)/lib/centram", work] { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    let binary = prefix + "/bin/centram-host", api = prefix + "/lib/centram/libCentramPluginAPI.so"
    for (from, to) in [(Binary.host, binary), (Binary.folder + "/libCentramPluginAPI.so", api)] {
      let from = URL(fileURLWithPath: from).resolvingSymlinksInPath().path
      // A link where it is the same file system: the binary is large.
      if link(from, to) != 0 { try FileManager.default.copyItem(atPath: from, toPath: to) }
    }
    let script = Repository.root.appendingPathComponent("Scripts/install-plugins").path, library = Binary.folder + "/libcentram_MergeOperators_Linear.so"
    let environment = ["HOME": folder("home"), "TMPDIR": work]
    var keys: [String] = []
    for _ in 0..<2 {
      let result = try Binary.Running("/bin/bash", [script, prefix, library], environment).wait()
      try #require(result.status == 0, "\(result.errors)")
      let config = try folder.write(#"{"plugins": {"untrusted": "refuse"}}"#, as: "config.json")
      let trusted = try Binary.Running(binary, ["plugin", "trust", "--list", "--json"], environment).wait()
      keys += try json(Trusted.self, trusted).publishers.map(\.key)
      let verified = try Binary.Running(binary, ["plugin", "verify", "--config", config], environment).wait()
      #expect(verified.status == 0 && verified.output.contains("ok      merge.linear 1.0.0  signed by centram-build, in-process"), "\(verified.output)\(verified.errors)")
    }
    #expect(keys.count == 2 && keys[0] != keys[1])
    let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    #expect(!files.isEmpty)
    for file in files where file != "prefix/bin/centram-host" {
      let bytes = (try? Data(contentsOf: URL(fileURLWithPath: folder(file)))) ?? Data()
      #expect(bytes.range(of: Data("PRIVATE KEY".utf8)) == nil, "\(file)")
    }
  }
}
