import Foundation
import Testing

/// Two nodes that never met train on different text, offer each other what came of it, judge it by ten layers, and take in what makes them better.
@Suite(.serialized) struct GenomeServeTests {
  /// What both start from, what each trains on, and on what each judges.
  private struct Texts {
    let folder: String

    init() throws {
      folder = NSTemporaryDirectory() + "centram-genomes-\(UUID().uuidString)"
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
      try FileManager.default.createDirectory(atPath: folder + "/public", withIntermediateDirectories: true)
      // A node's own update counts at gate.consensus from 200 sequences of 128 bytes on.
      for (name, file) in [("prose", "prose"), ("code", "swift")] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(root)/Tests/Fixtures/Texts/\(file).txt"))
        for (part, range) in [("public/\(name)", 0..<11_000), ("\(name)", 11_000..<41_000), ("prose-\(name)", 41_000..<49_000), ("code-\(name)", 49_000..<57_000)] {
          try Data(bytes[range]).write(to: URL(fileURLWithPath: "\(folder)/\(part).txt"))
        }
      }
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func configuration(_ node: String) -> String {
      """
      {"evaluation": {"model": "\(folder)/base", "domains": {"prose": "\(folder)/\(node)-prose.txt", "code": "\(folder)/\(node)-code.txt"}},
       "evolve": {"domain": "\(node)", "shadowHours": 0}, "gate": {"policy": {"gate.privacy": {"record": "optional"}}}}
      """
    }
  }

  private func host(_ arguments: [String], home: String) throws -> String {
    let result = try ServeProcess.run([ServeProcess.host] + arguments, home: home)
    try #require(result.status == 0, "\(arguments): \(result.output)")
    return result.output
  }

  /// A home with a genome of its own, trained on the node's text.
  private func home(_ name: String, _ texts: Texts) throws -> String {
    let home = NSTemporaryDirectory() + "centram-net-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: home + "/.centram", withIntermediateDirectories: true)
    try Data(texts.configuration(name).utf8).write(to: URL(fileURLWithPath: home + "/.centram/config.json"))
    let common = ["--batch-size", "2", "--steps-per-eval", "0", "--quiet", "--parameter", "warm_up=10"]
    if !FileManager.default.fileExists(atPath: texts.folder + "/base") {
      _ = try host(
        ["train", "--from-scratch", "gpt-byte", "--data", texts.folder + "/public", "--adapter-path", texts.folder + "/base", "--iters", "120"] + common + [
          "--learning-rate", "2e-3",
        ], home: home)
    }
    _ = try host(
      ["train", "--model", texts.folder + "/base", "--data", "\(texts.folder)/\(name).txt", "--adapter-path", home + "/adapter", "--iters", "60", "--learning-rate", "3e-3"]
        + common,
      home: home)
    _ = try host(["genome", "create", home + "/adapter", "--domain", name, "--license", "CC0-1.0"], home: home)
    return home
  }

  private struct Genome: Decodable { let id: String, state: String }
  private struct Explanation: Decodable {
    struct Verdict: Decodable { let id: String, direction: String, decision: String }
    let state: String, verdicts: [Verdict]
  }

  @Test func twoNodesExchangeJudgeAndEvolve() throws {
    let texts = try Texts()
    defer { texts.remove() }
    let homes = try ["prose", "code"].map { try home($0, texts) }
    let alone = ["--listen", "quic://127.0.0.1:0", "--no-mdns", "--no-beacon"]
    let a = try ServeProcess(home: homes[0], alone), b = try ServeProcess(home: homes[1], alone + ["--peer", "\(a.id)@\(a.listening[0])"])
    for node in [a, b] { try #require(node.wait(for: "was judged: ") != nil, "\(a.text)\n\(b.text)") }
    for (node, other) in [(a, b), (b, a)] {
      let genomes = try JSONDecoder().decode([Genome].self, from: Data(try host(["genome", "list", "--json"], home: node.home).utf8))
      let foreign = try #require(genomes.first { ["accepted", "rejected", "quarantined"].contains($0.state) }, "\(genomes)")
      let explained = try JSONDecoder().decode(Explanation.self, from: Data(try host(["gate", "explain", foreign.id, "--json"], home: node.home).utf8))
      let inbound = explained.verdicts.filter { $0.direction == "inbound" }
      // It got as far as the layers that measure on this node's own model: honest genomes are not refused before.
      #expect(inbound.count >= 9 && inbound.prefix(8).allSatisfy { ["accept", "scale"].contains($0.decision) }, "\(explained)\n\(node.text)")
      #expect(explained.state == foreign.state && node.text.contains(foreign.id.prefix(16)) && !other.text.isEmpty)
    }
    #expect(a.interrupt() == 0 && b.interrupt() == 0, "\(a.text)\n\(b.text)")
    for node in [a, b] {
      // The node's own genome is its model, or part of it.
      let status = try host(["evolve", "status"], home: node.home)
      #expect(status.hasPrefix("model: the base with "), "\(status)\n\(node.text)")
    }
  }
}
