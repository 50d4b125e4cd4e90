import CentramModel
import Foundation
import Testing

/// `generate`, `chat` and `evaluate` as a user runs them, on a tiny model with weights at random.
@Suite struct GenerateTests {
  static let golden = Repository.root.appendingPathComponent("Tests/Fixtures/Golden/Model").path
  static let tiny = golden + "/tiny/tiny-qwen2-f32"
  static let adapter = golden + "/tiny/adapter"

  struct Report: Decodable {
    struct Token: Decodable {
      struct Candidate: Decodable { let token: Int32, logProbability: Double }
      let token: Int32, text: String, logProbability: Double?, top: [Candidate]?, responsibilities: [String: Double]?
    }
    struct Choice: Decodable { let index: Int, text: String, finishReason: String, tokens: [Token], responsibilities: [String: Double]? }
    let promptTokens: Int, completionTokens: Int, choices: [Choice]
  }
  struct Scores: Decodable {
    struct Score: Decodable { let name: String, tokens: Int, bytes: Int, nats: Double, perplexity: Double, responsibilities: [String: Double]? }
    let scores: [Score]
  }

  static func generate(_ arguments: [String]) throws -> Report {
    let result = try Binary.run(["generate"] + arguments + ["--json"])
    #expect(result.status == 0, "\(result.errors)")
    return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
  }

  private func refusal(_ arguments: String...) throws -> (status: Int32, errors: String) {
    let result = try Binary.run(arguments)
    return (result.status, result.errors)
  }

  @Test func continuesAsTransformersDoes() throws {
    struct Golden: Decodable { let ids: [Int32], greedy: [Int32] }
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: Self.tiny + "/golden.json")))
    let tokenizer = try ModelFiles(path: Self.tiny).tokenizer(), text = tokenizer.decode(golden.ids)
    #expect(tokenizer.encode(text) == golden.ids)
    let folder = try TemporaryFolder(), count = golden.greedy.count - golden.ids.count
    let options = ["--ignore-end", "--max-tokens", "\(count)"]
    let report = try Self.generate([Self.tiny, "--prompt-file", folder.write(text, as: "prompt")] + options)
    #expect(report.choices[0].tokens.map(\.token) == Array(golden.greedy.dropFirst(golden.ids.count)))
    #expect(report.promptTokens == golden.ids.count && report.completionTokens == count)
    // The same on standard output, from standard input.
    let streamed = try Binary.run(["generate", Self.tiny] + options, input: text)
    #expect(streamed.status == 0 && streamed.output == report.choices[0].text + "\n")
    #expect(streamed.errors.contains("\(golden.ids.count) prompt tokens, first after "))
  }

  @Test func drawsTheSameTwiceAndReportsProbabilities() throws {
    let arguments = [Self.tiny, "--prompt", "Hello", "--temperature", "1", "--seed", "4", "-n", "3", "--max-tokens", "8", "--ignore-end", "--logprobs", "2"]
    let first = try Self.generate(arguments), second = try Self.generate(arguments + ["--threads", "1"])
    #expect(first.choices.count == 3)
    #expect(first.choices.map { $0.tokens.map(\.token) } == second.choices.map { $0.tokens.map(\.token) })
    #expect(first.choices[0].tokens.map(\.token) != first.choices[1].tokens.map(\.token))
    for token in first.choices[0].tokens { #expect(token.logProbability! <= 0 && token.top!.count == 2 && token.top![0].logProbability >= token.top![1].logProbability) }
  }

  @Test func keepsToASchemaAndToJSON() throws {
    let folder = try TemporaryFolder()
    let schema = try folder.write(
      #"{"type":"object","properties":{"city":{"type":"string","maxLength":5},"size":{"enum":["small","large"]}},"required":["city","size"]}"#, as: "s.json")
    let report = try Self.generate([Self.tiny, "--prompt", "A city", "--json-schema", schema, "--temperature", "1.2"])
    let object = try #require(try JSONSerialization.jsonObject(with: Data(report.choices[0].text.utf8)) as? [String: String])
    #expect(Set(object.keys) == ["city", "size"] && ["small", "large"].contains(object["size"]))
    let free = try Self.generate([Self.tiny, "--prompt", "A city", "--json-mode", "--max-tokens", "200"])
    if free.choices[0].finishReason != "length" { _ = try JSONSerialization.jsonObject(with: Data(free.choices[0].text.utf8), options: .fragmentsAllowed) }
    let refused = try refusal("generate", Self.tiny, "--prompt", "x", "--json-schema", folder.write(#"{"pattern":"a"}"#, as: "p.json"))
    #expect(refused.status == 65 && refused.errors.contains("\"pattern\" is not supported"))
  }

  @Test func appliesAdaptersAndMixesThem() throws {
    let base = try Self.generate([Self.tiny, "--prompt", "Hello there", "--max-tokens", "10", "--ignore-end"])
    let adapted = try Self.generate([Self.tiny, "--prompt", "Hello there", "--max-tokens", "10", "--ignore-end", "--adapter", Self.adapter + ":2"])
    #expect(base.choices[0].tokens.map(\.token) != adapted.choices[0].tokens.map(\.token))
    let off = try Self.generate([Self.tiny, "--prompt", "Hello there", "--max-tokens", "10", "--ignore-end", "--adapter", Self.adapter + ":0"])
    #expect(base.choices[0].tokens.map(\.token) == off.choices[0].tokens.map(\.token))
    let mixed = try Self.generate([Self.tiny, "--prompt", "Hello there", "--max-tokens", "10", "--ignore-end", "--mixture", Self.adapter, "--mixture-priors", "3,1"])
    let weights = try #require(mixed.choices[0].responsibilities)
    #expect(Set(weights.keys) == ["base", Self.adapter] && abs(weights.values.reduce(0, +) - 1) < 1e-9)
    #expect(mixed.choices[0].tokens.allSatisfy { abs($0.responsibilities!.values.reduce(0, +) - 1) < 1e-9 })
  }

  @Test func measuresTextsAdaptersAndMixtures() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder("texts"), withIntermediateDirectories: true)
    _ = try folder.write(String(repeating: "One text of several. ", count: 20), as: "texts/a.txt")
    _ = try folder.write("Another one.", as: "texts/b.txt")
    try Data([0xff, 0xfe]).write(to: URL(fileURLWithPath: folder("texts/c.bin")))
    let result = try Binary.run("evaluate", Self.tiny, folder("texts"), "--adapter", Self.adapter, "--mixture", Self.adapter, "--window", "64", "--json")
    #expect(result.status == 0 && result.errors.contains("c.bin: not UTF-8"))
    let scores = try JSONDecoder().decode(Scores.self, from: Data(result.output.utf8)).scores
    #expect(scores.map(\.name) == ["base", Self.adapter, "mixture"])
    // Two texts, each with equal priors.
    for score in scores.dropLast() { #expect(scores[2].nats <= score.nats + 2 * log(2) + 1e-6) }
    let plain = try Binary.run("evaluate", Self.tiny, folder("texts/a.txt"))
    #expect(plain.output.contains("perplexity") && plain.output.contains("base"))
  }

  @Test func talksSavesAndGoesOn() throws {
    let folder = try TemporaryFolder(), file = folder("talk.json")
    let options = ["chat", Self.tiny, "--temperature", "0", "--max-tokens", "6", "--system", "Be brief."]
    let first = try Binary.run(options, input: "hi\n/save \(file)\nand\\\nmore\n/nonsense\n/adapter /no/such\n/quit\nnever read\n")
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("/nonsense: no such command") && first.errors.contains("/no/such"))
    #expect(first.output.split(separator: "\n", omittingEmptySubsequences: false).count >= 2)
    struct Saved: Decodable {
      struct Turn: Decodable { let role: String, content: String }
      let system: String?, messages: [Turn]
    }
    let saved = try JSONDecoder().decode(Saved.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    #expect(saved.system == "Be brief." && saved.messages.map(\.role) == ["user", "assistant"] && saved.messages[0].content == "hi")
    // Loaded, the conversation goes on as it went on there.
    let again = try Binary.run(["chat", Self.tiny, "--temperature", "0", "--max-tokens", "6", "--load", file], input: "and\\\nmore\n")
    #expect(again.status == 0 && first.output == saved.messages[1].content + "\n" + again.output)
  }

  @Test func anInterruptEndsCleanly() throws {
    // The model's thread is held up by a prompt that has not ended yet, so the interrupt comes before the first token.
    let pipe = Pipe(), running = try Binary.Running(Binary.host, ["generate", Self.tiny, "--max-tokens", "100"], [:], input: pipe)
    try pipe.fileHandleForWriting.write(contentsOf: Data("Hello".utf8))
    var unread: Int32 = 1
    while running.process.isRunning, unread > 0 {
      _ = ioctl(pipe.fileHandleForWriting.fileDescriptor, UInt(FIONREAD), &unread)
      usleep(500)
    }
    kill(running.process.processIdentifier, SIGINT)
    try pipe.fileHandleForWriting.close()
    let result = running.wait()
    #expect(result.status == 130 && !result.wasKilled, "\(result.errors)")
    #expect(result.output == "\n")
  }

  @Test func refusesWhatCannotBe() throws {
    for (arguments, status, words) in [
      (["--temperature=-1"], 64, "temperature -1.0: at least 0"), (["--top-p", "2"], 64, "top-p"), (["-n", "2"], 64, "temperature"), (["--system", "x"], 64, "--chat"),
      (["--adapter", "/no/such"], 65, "/no/such"), (["--mixture", "base"], 64, "at least two"), (["--mixture-priors", "1"], 64, "--mixture"), (["--logprobs", "3"], 64, "--json"),
      (["--context", "100000"], 65, "context"), (["--json-schema", "/no/such"], 65, "cannot be read"), (["--threads", "0"], 65, "threads"), (["--stop", ""], 64, "empty"),
      (["--chat", "--chat-template", "/no/such"], 65, "chatml"),
    ] as [([String], Int32, String)] {
      let result = try Binary.run(["generate", Self.tiny, "--prompt", "x"] + arguments)
      #expect(result.status == status && result.errors.contains(words), "\(arguments): \(result.status) \(result.errors)")
      #expect(result.errors.hasPrefix("error: ") && result.errors.split(separator: "\n").count == 1)
    }
    #expect(try refusal("generate", "/no/such", "--prompt", "x").status == 65)
    #expect(try refusal("evaluate", Self.tiny, "/no/such").status == 65)
    #expect(try refusal("chat", Self.golden + "/gpt-byte").errors.contains("--chat-template"))
  }
}

/// The real model that the set-up installs from PyPI.
@Suite(.enabled(if: SmolLM2.isThere, SmolLM2.absence)) struct SmolLM2GenerateTests {
  struct Text: Decodable { let prompt: String, ids: [Int32], text: String }

  @Test func greedyTextIsTheReferences() throws {
    let texts = try JSONDecoder().decode([Text].self, from: Data(contentsOf: URL(fileURLWithPath: GenerateTests.golden + "/smollm2-greedy.json")))
    for text in texts.prefix(3) {
      let report = try GenerateTests.generate([SmolLM2.path, "--prompt", text.prompt, "--parse-special", "--max-tokens", "\(text.ids.count)", "--ignore-end"])
      #expect(report.choices[0].tokens.map(\.token) == text.ids, "\(text.prompt)")
      #expect(report.choices[0].text == text.text)
    }
  }

  @Test func answersInItsChatTemplateAndUnderASchema() throws {
    let answer = try Binary.run("generate", SmolLM2.path, "--chat", "--prompt", "What is the capital of France?", "--max-tokens", "40")
    #expect(answer.status == 0 && answer.output.contains("Paris"))
    let folder = try TemporaryFolder()
    let schema = try folder.write(
      #"{"type":"object","properties":{"name":{"type":"string","maxLength":20},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"]}"#, as: "s.json")
    let report = try GenerateTests.generate([SmolLM2.path, "--chat", "--prompt", "Describe Ann, who is 30, as JSON.", "--json-schema", schema])
    let object = try #require(try JSONSerialization.jsonObject(with: Data(report.choices[0].text.utf8)) as? [String: Any])
    #expect(Set(object.keys) == ["name", "age"])
  }
}

enum SmolLM2 {
  /// Where CENTRAM_TEST_SMOLLM2 says, or where the set-up puts it.
  static let path =
    ProcessInfo.processInfo.environment["CENTRAM_TEST_SMOLLM2"]
    ?? NSString(string: "~/.cache/centram/models/smollm2-135m-instruct-q4_1.gguf").expandingTildeInPath
  static let isThere = FileManager.default.fileExists(atPath: path)
  static let absence: Comment = "SmolLM2 is not there: run Scripts/setup, or set CENTRAM_TEST_SMOLLM2 to its GGUF file"
}
