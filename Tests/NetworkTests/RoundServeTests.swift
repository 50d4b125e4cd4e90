import Foundation
import Testing

/// A training round of the real binary: one node coordinates and trains, two join, and all three end with one aggregate.
@Suite(.serialized) struct RoundServeTests {
  private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
  /// A byte model of a few thousand parameters.
  private static let base = tests + "/Fixtures/Golden/Model/gpt-byte"

  private struct Round: Decodable {
    struct Vote: Decodable { let step: UInt32, participant: UInt32, accept: Bool, lift: Double }
    struct Wait: Decodable { let what: String, since: UInt64?, until: UInt64? }
    let round: String, role: String, phase: String, step: UInt32, participants: Int, joinBy: UInt64, lastResult: String, message: String, votes: [Vote], waiting: Wait?
  }
  private struct Genome: Decodable { let state: String, domain: String, base: String }

  private func host(_ arguments: [String], _ node: ServeProcess) throws -> String {
    let result = try ServeProcess.run([ServeProcess.host] + arguments, home: node.home)
    try #require(result.status == 0, "\(arguments): \(result.output)\n\(node.text)")
    return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func rounds(_ node: ServeProcess) throws -> [Round] { try JSONDecoder().decode([Round].self, from: Data(try host(["round", "status", "--json"], node).utf8)) }

  /// A part of a fixture's text, in the node's home.
  private func data(_ node: ServeProcess, _ number: Int) throws -> String {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Self.tests + "/Fixtures/Texts/prose.txt")), path = node.home + "/data.txt"
    try bytes[(number * 3_000)..<((number + 1) * 3_000)].write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func threeNodesTrainARoundAndItsCoordinatorHasTheGenome() throws {
    let alone = ["--listen", "quic://127.0.0.1:0", "--no-mdns", "--no-beacon"]
    let a = try ServeProcess(alone), others = try (0..<2).map { _ in try ServeProcess(alone + ["--peer", "\(a.id)@\(a.listening[0])"]) }
    for node in others { try #require(node.wait(for: "\(a.id) is connected") != nil && a.wait(for: "\(node.id) is connected") != nil, "\(a.text)\n\(node.text)") }
    let round = try host(
      [
        "round", "start", "--base", Self.base, "--data", try data(a, 0), "--domain", "prose", "--minimum", "3", "--maximum", "3", "--outer-steps", "2", "--local-steps", "2",
        "--trainer-parameters", #"{"rank": 8, "batch": 2, "length": 65, "learning_rate": 0.001, "schedule": "constant", "validate_every": 0}"#,
      ], a)
    #expect(round.count == 32)
    let begun = try #require(try rounds(a).first { $0.role == "coordinating" }), wait = try #require(begun.waiting)
    #expect(wait.what.hasPrefix("participants: ") && wait.what.hasSuffix(" joined, 3 to 3 can") && wait.until == begun.joinBy && wait.since ?? .max < begun.joinBy, "\(wait)")
    let text = try host(["round", "status"], a)
    #expect(text.contains("  waits for participants: ") && text.contains(" so far, at most "), "\(text)")
    for (number, node) in others.enumerated() {
      try #require(node.wait(for: "round \(round.prefix(8)) is announced") != nil, "\(a.text)\n\(node.text)")
      let heard = try #require(try rounds(node).first)
      #expect(heard.round == round && heard.role == "announced" && heard.phase == "joining")
      let said = try host(["round", "join", String(round.prefix(6)), "--base", Self.base, "--data", try data(node, number + 1)], node)
      #expect(said.contains(round))
    }
    for node in [a] + others { try #require(node.wait(for: "round \(round.prefix(8)) is over") != nil, "\(a.text)\n\(node.text)") }
    try #require(a.wait(for: "round \(round.prefix(8)) made the genome ") != nil, "\(a.text)")
    var results: Set<String> = []
    for node in [a] + others {
      let own = try rounds(node).filter { $0.round == round }
      // The coordinator takes part, too.
      #expect(own.map(\.role) == (node === a ? ["coordinating", "participating"] : ["participating"]), "\(own)")
      #expect(own.allSatisfy { $0.phase == "done" && $0.step == 2 && $0.participants == 3 && $0.message.isEmpty && $0.waiting == nil }, "\(own)\n\(node.text)")
      results.formUnion(own.map(\.lastResult))
    }
    #expect(results.count == 1 && results.first?.count == 64)
    // Nobody has text to measure on, so the votes say no lift.
    let votes = try #require(try rounds(a).first { $0.role == "coordinating" }).votes
    #expect(votes.map(\.participant).sorted() == [0, 1, 2] && votes.allSatisfy { $0.step == 2 && $0.accept && $0.lift == 0 }, "\(votes)")
    let genomes = try JSONDecoder().decode([Genome].self, from: Data(try host(["genome", "list", "--json"], a).utf8))
    #expect(genomes.map(\.state) == ["own"] && genomes.map(\.domain) == ["prose"] && genomes.allSatisfy { $0.base.count == 64 })
    // Who only took part made none.
    for node in others { #expect(try JSONDecoder().decode([Genome].self, from: Data(try host(["genome", "list", "--json"], node).utf8)).isEmpty) }
    for node in [a] + others { #expect(node.interrupt() == 0, "\(node.text)") }
  }

  @Test func whatCannotBeStartedOrJoinedIsSaid() throws {
    let node = try ServeProcess(["--listen", "quic://127.0.0.1:0", "--no-mdns", "--no-beacon"])
    for (arguments, sentence) in [
      (["join", "00", "--base", Self.base, "--data", Self.base], "0 announced rounds begin with 00"),
      (["start", "--base", Self.base, "--trainer", "trainer.none"], "trainer.none"),
      (["start", "--base", Self.base, "--quorum", "5000"], "5000"),
      (["start", "--base", Self.base, "--minimum", "3", "--maximum", "2"], "3 to 2 participants"),
      (["stop", String(repeating: "0", count: 32)], "has no part in round"),
    ] {
      let result = try ServeProcess.run([ServeProcess.host, "round"] + arguments, home: node.home)
      #expect(result.status != 0 && result.output.contains(sentence), "\(arguments): \(result.output)")
    }
    #expect(try rounds(node).isEmpty && node.interrupt() == 0)
  }
}
