import Foundation
import Testing

@Suite struct GateTests {
  @Test func serveRefusesAnIncompleteGateBeyondLoopback() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(#"{"gate": {"disable": ["gate.norms"]}}"#, as: "c.json")
    let result = try Binary.run("serve", "--listen", "tcp://192.0.2.1:9741", "--config", file)
    #expect(result.status == 65)
    #expect(result.errors.contains("gate incomplete: gate.norms switched off") && result.errors.contains("gate.allowIncomplete"))
  }

  // MARK: Checking

  private func home(_ folder: TemporaryFolder, _ name: String = "one") -> [String: String] { ["HOME": folder(name)] }

  /// A toy, an adapter of it, and the adapter's genome exported as a folder.
  private func genome(in folder: TemporaryFolder) throws -> (id: String, path: String) {
    _ = try folder.write((0..<60).map { "line \($0): the quick brown fox jumps over the lazy dog, and \($0 * 7919 % 97) more follow.\n" }.joined(), as: "data.txt")
    let common = ["train", "--data", folder("data.txt"), "--batch-size", "2", "--max-seq-length", "65", "--steps-per-eval", "0", "--quiet", "--iters", "2"]
    for more in [["--adapter-path", folder("toy"), "--from-scratch", "gpt-byte"], ["--adapter-path", folder("adapter"), "--model", folder("toy")]] {
      let result = try Binary.run(common + more, environment: home(folder))
      try #require(result.status == 0, "\(result.errors)")
    }
    let made = try Binary.run(["genome", "create", folder("adapter")], environment: home(folder))
    try #require(made.status == 0, "\(made.errors)")
    let id = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    try #require(try Binary.run(["genome", "export", id, "--to", folder("out")], environment: home(folder)).status == 0)
    return (id, folder("out"))
  }

  /// A node that has no hold-out and takes genomes without a privacy record.
  private static let open = #"{"gate": {"disable": ["gate.consensus", "gate.fitness", "gate.behaviour"], "policy": {"gate.privacy": {"record": "optional"}}}}"#

  @Test func aGenomeIsCheckedJudgedAndExplained() throws {
    let folder = try TemporaryFolder(), (id, path) = try genome(in: folder), two = home(folder, "two")
    func gate(_ arguments: String...) throws -> Binary.Result { try Binary.run(["gate"] + arguments, environment: two) }
    // As it is: nothing of the training's privacy is known.
    let strict = try gate("check", path, "--model", folder("toy"))
    #expect(strict.status == 10 && strict.output.contains("rejected by gate.privacy") && strict.output.contains("not asked: gate.consensus"), "\(strict.output) \(strict.errors)")
    let unknown = try gate("check", path)
    #expect(unknown.status == 10 && unknown.output.contains("rejected by gate.freshness") && unknown.output.contains("is not run here"), "\(unknown.output)")
    let configuration = try folder.write(Self.open, as: "open.json")
    let passed = try gate("check", path, "--model", folder("toy"), "--config", configuration, "--json")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(passed.output.utf8)) as? [String: Any])
    let verdicts = try #require(report["verdicts"] as? [[String: Any]])
    #expect(passed.status == 0 && report["outcome"] as? String == "accepted" && report["genome"] as? String == id, "\(passed.output)")
    #expect((report["warning"] as? String)?.hasPrefix("gate incomplete") == true && verdicts.count == 7 && verdicts.allSatisfy { $0["version"] as? String == "1.0.0" })
    // Looked at, and not taken in.
    #expect(try Binary.run(["genome", "list"], environment: two).output.isEmpty)

    #expect(try Binary.run(["genome", "import", path], environment: two).status == 0)
    #expect(try gate("explain", id).output.contains("no layer has judged it yet"))
    let judged = try gate("check", String(id.prefix(10)), "--model", folder("toy"), "--config", configuration)
    #expect(judged.status == 0 && judged.output.contains("accepted, its update times 0.25"), "\(judged.output) \(judged.errors)")
    let explained = try gate("explain", id)
    for part in ["\(id), accepted", "inbound, ", "gate.format 1.0.0: passes", "gate.admission 1.0.0: passes, scaled by 0.25", "warning: a layer was switched off"] {
      #expect(explained.output.contains(part), "\(part) in \(explained.output)")
    }
    #expect(try Binary.run(["genome", "show", id], environment: two).output.contains("measured    norm."))
    // The same file again is one that was judged before.
    let again = try gate("check", path, "--model", folder("toy"), "--config", configuration)
    #expect(again.status == 10 && again.output.contains("was judged before"), "\(again.output)")
    // It must not leave the node that made it: nobody accounted for its training.
    let leaving = try Binary.run(["gate", "check", id, "--outbound", "--model", folder("toy")], environment: home(folder))
    #expect(leaving.status == 10 && leaving.output.contains("rejected by gate.privacy"), "\(leaving.output) \(leaving.errors)")
    for (arguments, status) in [(["check", "nothing.genome"], 65), (["check", "abc"], 64), (["explain", "abcdef"], 65)] as [([String], Int32)] {
      let wrong = try Binary.run(["gate"] + arguments, environment: two)
      #expect(wrong.status == status, "\(arguments): \(wrong.status) \(wrong.errors)")
    }
  }

  @Test func aPrivateTrainingOfThisNodeMayLeaveAndNotFromAnotherNode() throws {
    let folder = try TemporaryFolder()
    _ = try genome(in: folder)
    let common = ["train", "--data", folder("data.txt"), "--batch-size", "2", "--max-seq-length", "65", "--steps-per-eval", "0", "--quiet", "--iters", "2"]
    let trained = try Binary.run(common + ["--adapter-path", folder("private"), "--model", folder("toy"), "--trainer", "dp-lora"], environment: home(folder))
    try #require(trained.status == 0, "\(trained.errors)")
    // Sixty lines cannot have a small δ.
    let configuration = try folder.write(#"{"gate": {"policy": {"gate.privacy": {"delta_max": 0.1, "epsilon": 8.5}}}}"#, as: "private.json")
    for (name, status, words) in [("one", 0, "lifetime: ε"), ("two", 10, "no account of this genome's training")] as [(String, Int32, String)] {
      let made = try Binary.run(["genome", "create", folder("private"), "--base", folder("toy")], environment: home(folder, name))
      try #require(made.status == 0, "\(made.errors)")
      #expect(made.errors.contains("not signed by this node's key") == (name == "two"))
      let id = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
      let result = try Binary.run(["gate", "check", id, "--outbound", "--model", folder("toy"), "--config", configuration], environment: home(folder, name))
      #expect(result.status == status && result.output.contains(words), "\(result.output) \(result.errors)")
    }
  }

  @Test func authorsAreInvitedAndListed() throws {
    let folder = try TemporaryFolder(), one = home(folder), keys = ["a", "b", "c"].map { String(repeating: $0, count: 64) }
    func gate(_ arguments: String...) throws -> Binary.Result { try Binary.run(["gate"] + arguments, environment: one) }
    let none = try gate("invitations")
    #expect(none.status == 0 && none.errors.contains("nobody is invited"))
    let first = try gate("invite", keys[0].uppercased()), second = try gate("invite", keys[1], "--by", keys[0])
    #expect(first.status == 0 && first.output.contains("a branch of its own") && second.status == 0 && second.output.contains("in the branch of \(keys[0])"), "\(first) \(second)")
    let own = try Binary.run(["identity"], environment: one).output.trimmingCharacters(in: .whitespacesAndNewlines)
    for (arguments, words) in [
      ([keys[0]], "before, and an invitation is for good"), ([keys[2], "--by", String(repeating: "d", count: 64)], "invite it first"), ([own], "this node's own key"),
      (["abc"], "64 hexadecimal digits"), ([keys[0], "--by", keys[1]], "circle"),
    ] {
      let wrong = try Binary.run(["gate", "invite"] + arguments, environment: one)
      #expect(wrong.status == 65 && wrong.errors.contains(words), "\(arguments): \(wrong.status) \(wrong.errors)")
    }
    struct List: Decodable {
      struct Invitation: Decodable { let author: String, inviter: String, accepted: Int, weight: Double, weightBelow: Double }
      let own: String, invitations: [Invitation]
    }
    let list = try JSONDecoder().decode(List.self, from: Data(try gate("invitations", "--json").output.utf8)), table = try gate("invitations")
    #expect(list.own == own && list.invitations.map(\.author) == Array(keys.prefix(2)) && list.invitations.map(\.inviter) == [own, keys[0]])
    #expect(table.output.contains(keys[1]) && table.output.contains("this node"), "\(table.output)")
  }

  @Test func aLayerOfAnothersIsDroppedInAtTwoVersions() throws {
    let folder = try TemporaryFolder(), (_, path) = try genome(in: folder), two = home(folder, "two")
    let text = try String(contentsOf: Repository.root.appendingPathComponent("Examples/GateLayerC/size.c"), encoding: .utf8)
    for (version, limit) in [("1.0.0", "1048576"), ("2.0.0", "16")] {
      let source = text.replacingOccurrences(of: ".version = \"1.0.0\"", with: ".version = \"\(version)\"").replacingOccurrences(of: "1048576", with: limit)
      let file = try folder.write(source, as: "size-\(version).c"), library = folder("size-\(version).so")
      let include = Repository.root.appendingPathComponent("Sources/CentramPluginAPI/C/include").path
      let compiled = try Binary.Running("/usr/bin/cc", ["-O2", "-fPIC", "-shared", "-I", include, file, "-o", library], [:]).wait()
      try #require(compiled.status == 0, "\(compiled.errors)")
      let packed = try Binary.run("plugin", "pack", library, "--into", folder("plugins"))
      try #require(packed.status == 0, "\(packed.errors)")
    }
    let gate = #""gate": {"disable": ["gate.consensus", "gate.fitness", "gate.behaviour"], "policy": {"gate.privacy": {"record": "optional"}}}"#
    let newest = try folder.write("{\(gate)}", as: "newest.json")
    let older = try folder.write("{\"plugins\": {\"versions\": {\"example.gate.size\": \"^1.0\"}}, \(gate)}", as: "older.json")
    let layers = try Binary.run(["gate", "layers", "--plugins", folder("plugins"), "--config", older], environment: two)
    #expect(layers.status == 0 && layers.output.contains("11  example.gate.size  1.0.0  inbound") && layers.output.contains("gate.fitness       switched off"), "\(layers.output)")
    // The highest version in range judges, after the others.
    for (configuration, status, words) in [(newest, 10, "rejected by example.gate.size"), (older, 0, "example.gate.size 1.0.0: passes")] as [(String, Int32, String)] {
      let result = try Binary.run(["gate", "check", path, "--model", folder("toy"), "--plugins", folder("plugins"), "--config", configuration], environment: two)
      #expect(result.status == status && result.output.contains(words), "\(result.output) \(result.errors)")
    }
    let without = try Binary.run(["gate", "check", path, "--model", folder("toy"), "--config", newest], environment: two)
    #expect(without.status == 0 && !without.output.contains("example.gate.size"), "\(without.output)")
  }
}
