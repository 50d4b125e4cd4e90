import CentramModel
import Foundation
import Testing

/// `centram-host genome` as a user runs it, on adapters that were really trained.
@Suite struct GenomeTests {
  let folder = try! TemporaryFolder()

  private func home(_ name: String) -> [String: String] { ["HOME": folder(name)] }

  private func run(_ home: String, _ arguments: String...) throws -> Binary.Result { try Binary.run(["genome"] + arguments, environment: self.home(home)) }

  private func json(_ home: String, _ arguments: String...) throws -> [String: Any] {
    let result = try Binary.run(["genome"] + arguments + ["--json"], environment: self.home(home))
    try #require(result.status == 0, "\(arguments): \(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private func id(_ result: Binary.Result) throws -> String {
    try #require(result.status == 0, "\(result.errors)")
    return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func train(_ output: String, _ more: [String]) throws {
    let common = ["train", "--data", folder("data.txt"), "--adapter-path", folder(output), "--batch-size", "2", "--max-seq-length", "65", "--steps-per-eval", "0", "--quiet"]
    let result = try Binary.run(common + more, environment: home("one"))
    try #require(result.status == 0, "\(result.errors)")
  }

  /// A toy, and an adapter of it for each seed.
  private func adapters(_ seeds: Int..., rank: Int = 2) throws {
    _ = try folder.write((0..<60).map { "line \($0): the quick brown fox jumps over the lazy dog, and \($0 * 7919 % 97) more follow.\n" }.joined(), as: "data.txt")
    try train("toy", ["--from-scratch", "gpt-byte", "--iters", "2"])
    for seed in seeds { try train("adapter\(seed)", ["--model", folder("toy"), "--iters", "2", "--seed", "\(seed)", "--parameter", "rank=\(rank)", "--learning-rate", "0.01"]) }
  }

  @Test func twoAdaptersAreMadeGenomesMergedAndTravelToAnotherHome() throws {
    try adapters(1, 2)
    let one = try id(run("one", "create", folder("adapter1"), "--domain", "foxes", "--license", "CC0-1.0")), two = try id(run("one", "create", folder("adapter2")))
    let shown = try json("one", "show", String(one.prefix(8)))
    let genome = try #require(shown["genome"] as? [String: Any]), claims = try #require(shown["claims"] as? [String: Any])
    #expect(genome["id"] as? String == one && genome["domain"] as? String == "foxes" && genome["state"] as? String == "own" && genome["sequence"] as? Int == 1)
    #expect(claims["trainer"] as? String == "trainer.lora" && claims["license"] as? String == "CC0-1.0" && (claims["metrics"] as? [String: Any])?.isEmpty == false)
    let sum = try Binary.Running("/usr/bin/sha256sum", [folder("toy/model.safetensors")], [:]).wait().output.prefix(64)
    #expect(genome["base"] as? String == String(sum))

    // Exported, merged as any adapters are, and the merge knows its parents.
    for (number, id) in [(1, one), (2, two)] { #expect(try run("one", "export", id, "--to", folder("out\(number)")).status == 0) }
    let models = "models: [{model: \(folder("out1"))}, {model: \(folder("out2"))}]"
    let configuration = try folder.write("merge_method: lora_cat\nout: adapter\n\(models)\nparameters: {weight: 0.5}\n", as: "merge.yml")
    let merged = try Binary.run(["merge", configuration, folder("merged"), "--quiet"], environment: home("one"))
    try #require(merged.status == 0, "\(merged.errors)")
    let child = try id(run("one", "create", folder("merged"), "--base", folder("toy"), "--domain", "foxes"))
    let lineage = try json("one", "lineage", child)
    let edges = try #require(lineage["edges"] as? [[String: Any]])
    #expect(Set(edges.compactMap { $0["parent"] as? String }) == [one, two] && edges.allSatisfy { $0["basisPoints"] as? Int == 5000 && $0["child"] as? String == child })
    let dot = try run("one", "lineage", one, "--graph", "dot").output, svg = try run("one", "lineage", child, "--graph", "svg").output
    #expect(dot.contains("\"\(one)\" -> \"\(child)\"") && svg.hasPrefix("<svg ") && svg.contains("50 %"))

    // One file travels, the other home checks it and takes it in.
    #expect(try run("one", "export", child, "--to", folder("child.genome")).status == 0)
    #expect(try run("two", "verify", folder("child.genome")).output.contains(child))
    let taken = try json("two", "import", folder("child.genome"))
    #expect((taken["genome"] as? [String: Any])?["state"] as? String == "received" && taken["wasThere"] as? Bool == false)
    #expect(try run("two", "list").output.contains("received"))
    #expect(try run("two", "export", child, "--to", folder("back")).status == 0)
    let adapter = try Adapter(folder: folder("back"))
    #expect(!adapter.modules.isEmpty)
    for name in ["adapter_model.safetensors", "manifest"] {
      #expect(FileManager.default.contentsEqual(atPath: folder("back/" + name), andPath: name == "manifest" ? folder("back/manifest") : folder("merged/" + name)))
    }
    #expect(try run("one", "verify").output.contains("3 genomes") && run("two", "verify", child).status == 0)

    // Taken back by its author; not by anybody else.
    let refused = try run("two", "revoke", child)
    #expect(refused.status == 65 && refused.errors.contains("only an author"))
    let revoked = try json("one", "revoke", one, "--reason", "superseded", "--replacement", two, "--message", "worse than its brother")
    #expect(Set(revoked["changed"] as? [String] ?? []) == [one, child])
    #expect(try run("one", "list", "--state", "quarantined").output.contains(child.prefix(12)))
    #expect(try run("one", "show", child).output.contains("it descends from \(one), which was revoked"))
    #expect(try run("one", "gc", "--revoked").status == 0)
  }

  @Test func aPrivateTrainingsRecordGoesIntoTheManifest() throws {
    _ = try folder.write((0..<60).map { "line \($0): the quick brown fox jumps over the lazy dog, and \($0 * 7919 % 97) more follow.\n" }.joined(), as: "data.txt")
    try train("toy", ["--from-scratch", "gpt-byte", "--iters", "2"])
    try train("private", ["--model", folder("toy"), "--trainer", "dp-lora", "--iters", "2"])
    let genome = try id(run("one", "create", folder("private")))
    let claims = try #require(try json("one", "show", genome)["claims"] as? [String: Any])
    #expect((claims["privacy"] as? String)?.contains("gaussian, poisson") == true)
    #expect(try run("one", "show", genome).output.contains("attested by the author, not verified"))
  }

  @Test func tamperedFilesAreRefusedByNameAndLeaveNothing() throws {
    try adapters(1)
    let genome = try id(run("one", "create", folder("adapter1")))
    #expect(try run("one", "export", genome, "--to", folder("out")).status == 0)
    for name in ["adapter_config.json", "adapter_model.safetensors", "manifest"] {
      let path = folder("out/" + name), good = try Data(contentsOf: URL(fileURLWithPath: path))
      var bad = good
      bad[bad.count / 2] ^= 1
      try bad.write(to: URL(fileURLWithPath: path))
      for command in ["import", "verify"] {
        let result = try run("two", command, folder("out"))
        #expect(result.status == 65 && result.errors.contains(name), "\(command) \(name): \(result.status) \(result.errors)")
      }
      try good.write(to: URL(fileURLWithPath: path))
    }
    #expect(try run("two", "list", "--json").output == "[\n\n]\n")
    #expect(try run("two", "import", folder("out")).status == 0)
  }

  @Test func aFullDiskIsAnErrorBeforeAnythingIsLost() throws {
    // Two megabytes each.
    try adapters(1, 2, rank: 64)
    try FileManager.default.createDirectory(atPath: folder("disk"), withIntermediateDirectories: true)
    let first = try id(run("one", "create", folder("adapter1")))
    #expect(try run("one", "export", first, "--to", folder("first.genome")).status == 0)
    let size = try #require(try FileManager.default.attributesOfItem(atPath: folder("adapter1/adapter_model.safetensors"))[.size] as? Int)
    // Room for one genome and the database, and not for two.
    let script = """
      mount -t tmpfs -o size=\(size / 1024 + 600)k tmpfs \(folder("disk")) || exit 99
      \(Binary.host) genome import \(folder("first.genome")) --genomes \(folder("disk/genomes"))
      echo status $?
      \(Binary.host) genome create \(folder("adapter2")) --genomes \(folder("disk/genomes"))
      echo status $?
      \(Binary.host) genome verify --genomes \(folder("disk/genomes"))
      echo status $?
      """
    let result = try Binary.Running("/usr/bin/unshare", ["-rm", "sh", "-c", script], home("one")).wait()
    if result.status == 99 || result.errors.contains("unshare") {
      print("this system lets nobody mount in a namespace, so no full disk was tried")
      return
    }
    #expect(result.output.contains("own\nstatus 0\nstatus 73\n1 genome, the database and every file as written\nstatus 0\n"), "\(result.output) \(result.errors)")
    #expect(result.errors.contains("bytes are needed"))
  }

  @Test func aDamagedDatabaseIsNamedAndRepaired() throws {
    try adapters(1)
    let genome = try id(run("one", "create", folder("adapter1")))
    let database = folder("one/.centram/genomes/genomes.sqlite")
    try Data("not a database".utf8).write(to: URL(fileURLWithPath: database))
    for command in [["list"], ["show", genome], ["gc"], ["verify"]] {
      let result = try Binary.run(["genome"] + command, environment: home("one"))
      #expect(result.status == 65 && result.errors.contains(database) && result.errors.contains("centram-host genome repair"), "\(command): \(result.errors)")
    }
    let repaired = try json("one", "repair")
    #expect(repaired["genomes"] as? Int == 1 && (repaired["aside"] as? String).map { FileManager.default.fileExists(atPath: $0) } == true)
    let second = try run("one", "list", "--json").output
    #expect(second.contains(genome) && second.contains("\"state\" : \"own\""))
  }

  @Test func refusalsNameTheWayOut() throws {
    for (arguments, status, words) in [
      (["create", folder("none")], Int32(65), "there is no such folder"), (["show", "abc"], 64, "4 to 64 hexadecimal digits"), (["show", "abcd"], 65, "no genome's id begins so"),
      (["import", folder("none")], 65, "No such file"), (["verify", folder("none")], 65, "there is no such file or folder"),
      (["export", "abcd", "--to", folder("x")], 65, "no genome's id"),
      (["list", "--limit", "0"], 64, "from 1"), (["create", folder("none"), "--parent", "abcd:0"], 64, "1 to 10000 basis points"),
      (["create", folder("none"), "--parent", "abcd", "--no-parents"], 64, "give one"), (["lineage", "abcd", "--json", "--graph", "svg"], 64, "give one"),
    ] {
      let result = try Binary.run(["genome"] + arguments, environment: home("one"))
      #expect(result.status == status && result.errors.contains(words), "\(arguments): \(result.status) \(result.errors)")
    }
    let configuration = try folder.write(#"{"genomes": {"path": "\#(folder("elsewhere"))"}}"#, as: "config.json")
    #expect(try run("one", "list", "--config", configuration).status == 0)
    #expect(FileManager.default.fileExists(atPath: folder("elsewhere/genomes.sqlite")))
  }
}
