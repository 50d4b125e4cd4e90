import CentramNode
import Foundation
import Testing

/// The sections `evaluation` and `evolve` of the configuration.
@Suite struct ConfigurationTests {
  let folder = try! TemporaryFolder()

  private func read(_ text: String) throws -> NodeConfiguration {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder("config.json")))
    return try NodeConfiguration(path: folder("config.json"))
  }

  @Test func keysOfEvaluationAndEvolveAreRead() throws {
    let configuration = try read(
      """
      {"evaluation": {"model": "toy", "domains": {"prose": "/texts/prose"}, "sequences": 64, "length": 256, "tests": 10, "references": 4, "canaries": "/c", "threads": 2},
       "evolve": {"mode": "both-measured", "domain": "prose", "share": 0.2, "operator": "ties", "parameters": {"density": 0.5}, "rankLimit": 32, "fall": 0.02,
                  "confidence": 0.9, "resamples": 500, "newcomerPrior": 0.05, "shadowHours": 0, "shadowRequests": 10, "shadowTokens": 4096}}
      """)
    let (evaluation, evolution) = (configuration.evaluation, configuration.evolution)
    #expect(evaluation.model == "toy" && evaluation.domains == ["prose": "/texts/prose"] && evaluation.sequences == 64 && evaluation.length == 256)
    #expect(evaluation.tests == 10 && evaluation.references == 4 && evaluation.canaries == "/c" && evaluation.threads == 2)
    #expect(evolution.mode == .bothMeasured && evolution.domain == "prose" && evolution.share == 0.2 && evolution.mergeOperator == "merge.ties")
    #expect(evolution.parametersJSON == #"{"density":0.5}"# && evolution.rankLimit == 32 && evolution.fall == 0.02 && evolution.confidence == 0.9)
    #expect(evolution.resamples == 500 && evolution.newcomerPrior == 0.05 && evolution.shadowHours == 0 && evolution.shadowRequests == 10 && evolution.shadowTokens == 4096)
    let standard = try read("{}")
    #expect(standard.evaluation == EvaluationSettings() && standard.evolution == EvolutionSettings())
  }

  @Test(arguments: [
    (#"{"evaluation": {"sequences": 47}}"#, "evaluation.sequences"), (#"{"evaluation": {"sequences": 4097}}"#, "evaluation.sequences"),
    (#"{"evaluation": {"length": 15}}"#, "evaluation.length"), (#"{"evaluation": {"domains": {"": "x"}}}"#, "evaluation.domains"),
    (#"{"evaluation": {"threads": 257}}"#, "evaluation.threads"), (#"{"evaluation": {"domain": {}}}"#, "did you mean domains?"),
    (#"{"evolve": {"mode": "blend"}}"#, "evolve.mode"), (#"{"evolve": {"share": 1}}"#, "evolve.share"), (#"{"evolve": {"share": "x"}}"#, "evolve.share"),
    (#"{"evolve": {"rankLimit": 0}}"#, "evolve.rankLimit"), (#"{"evolve": {"newcomerPrior": 0.91}}"#, "evolve.newcomerPrior"),
    (#"{"evolve": {"parameters": []}}"#, "evolve.parameters"), (#"{"evolve": {"shadow": 1}}"#, "evolve.shadow"),
    (#"{"evolve": {"shadowTokens": 4097}}"#, "evolve.shadowTokens"), (#"{"evolve": {"shadowTokens": -1}}"#, "evolve.shadowTokens"),
  ]) func whatCannotBeIsNamed(text: String, words: String) {
    var message = ""
    do { _ = try read(text) } catch { message = "\(error)" }
    #expect(message.contains(words), "\(text): \(message)")
  }
}
