import Foundation
import Testing

/// Evolution by commands alone.
@Suite struct EvolveTests {
  private static let toy = Repository.root.appendingPathComponent("Tests/Fixtures/Golden/Model/gpt-byte-trained").path

  /// An adapter of the toy that one node trained on its text, and another let in; the text that it was not trained on.
  private func accepted(in folder: TemporaryFolder) throws -> (id: String, held: String) {
    let text = try String(contentsOf: Repository.root.appendingPathComponent("Tests/Fixtures/Texts/prose.txt"), encoding: .utf8), cut = text.count * 2 / 3
    let data = try folder.write(String(text.prefix(cut)), as: "prose.txt"), held = try folder.write(String(text.dropFirst(cut)), as: "held.txt")
    func run(_ home: String, _ arguments: [String], _ status: Int32 = 0) throws -> String {
      let result = try Binary.run(arguments, environment: ["HOME": folder(home)])
      try #require(result.status == status, "\(arguments): \(result.output) \(result.errors)")
      return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    _ = try run(
      "one",
      ["train", "--model", Self.toy, "--data", data, "--adapter-path", folder("adapter"), "--batch-size", "2", "--iters", "40", "--learning-rate", "3e-3", "--quiet"]
        + ["--max-seq-length", "129", "--steps-per-eval", "0"])
    let id = try run("one", ["genome", "create", folder("adapter"), "--domain", "prose"])
    _ = try run("one", ["genome", "export", id, "--to", folder("out.genome")])
    _ = try run("two", ["genome", "import", folder("out.genome")])
    let gate = try folder.write(
      #"{"gate": {"disable": ["gate.consensus", "gate.fitness", "gate.behaviour"], "policy": {"gate.privacy": {"record": "optional"}, "gate.admission": {"new_weight": 1}}}}"#,
      as: "gate.json")
    _ = try run("two", ["gate", "check", id, "--model", Self.toy, "--config", gate])
    return (id, held)
  }

  private func configure(_ home: String, _ text: String) throws {
    try FileManager.default.createDirectory(atPath: home + "/.centram", withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: home + "/.centram/config.json"))
  }

  @Test func requestsToTheEvolvedModelEndTheShadowPeriod() throws {
    let folder = try TemporaryFolder(), (id, held) = try accepted(in: folder), home = folder("two")
    func run(_ arguments: String..., input: String? = nil) throws -> Binary.Result {
      let environment = ["HOME": home]
      let result = try input.map { try Binary.run(arguments, environment: environment, input: $0) } ?? Binary.run(arguments, environment: environment)
      try #require(result.status == 0, "\(arguments): \(result.output) \(result.errors)")
      return result
    }
    func step() throws -> Binary.Result { try run("evolve", "step", "--model", Self.toy, "--text", "prose=\(held)") }
    try configure(home, #"{"evolve": {"shadowRequests": 3}}"#)
    let merged = try step()
    #expect(merged.output.contains("kept"), "\(merged.output)")
    let ask = ["generate", Self.toy, "--evolved", "--max-tokens", "4", "--quiet"]
    for prompt in ["It was a bright cold day", "The clocks were striking"] { _ = try Binary.run(ask + ["--prompt", prompt], environment: ["HOME": home]) }
    #expect(try run("evolve", "status").output.contains("in its shadow period, 2 of 3 requests"))
    // One that is told not to be counted, and one of another model, change nothing.
    try configure(home, #"{"evolve": {"shadowRequests": 3, "shadowTokens": 0}}"#)
    _ = try Binary.run(ask + ["--prompt", "Nobody counts this"], environment: ["HOME": home])
    _ = try run("generate", Self.toy, "--max-tokens", "4", "--prompt", "The base alone answers")
    #expect(try run("evolve", "status").output.contains("2 of 3 requests") && step().errors.contains("nothing to try"))
    try configure(home, #"{"evolve": {"shadowRequests": 3}}"#)
    let template = try folder.write("{% for m in messages %}{{ m.content }}{% endfor %}", as: "template.jinja")
    let chat = try run("chat", Self.toy, "--evolved", "--chat-template", template, "--max-tokens", "4", input: "How are you today\n/adapter\n/adapter none\nAnd now\n")
    #expect(chat.errors.contains("the evolved model"), "\(chat.errors)")
    #expect(try run("evolve", "status").output.contains("3 of 3 requests"))
    _ = try step()
    let status = try run("evolve", "status").output
    #expect(status.contains(id.prefix(12)) && !status.contains("shadow"), "\(status)")
  }
}
