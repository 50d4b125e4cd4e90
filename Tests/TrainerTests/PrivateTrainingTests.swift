import CentramPluginAPI
import CentramTrainingSupport
import Foundation
import Testing

@Suite struct PrivateTrainingTests {
  private struct Identity: IdentityService {
    let publicKey: [UInt8] = Array(0..<32)
    func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { Array(message.prefix(24)) + Array(message.suffix(40)) }
    func exportSeed() throws(PluginError) -> [UInt8] { throw PluginError(.unsupported, "no") }
  }

  private func train(_ settings: String, _ model: Bigram = Bigram(), data: Counting = Counting(), identity: Bool = false, seed: UInt64 = 3) async throws -> TrainingResult {
    try await TrainerPluginTests.train(
      "trainer.dp-lora", model, settings: settings, seed: seed, data: data, services: TestServices(identity: identity ? Identity() : nil))
  }

  private func record(_ result: TrainingResult) throws -> (envelope: [String: Any], record: PrivacyRecord, bytes: [UInt8]) {
    let text = try #require(result.privacyRecordJSON)
    let envelope = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let inner = try #require(envelope["record"] as? String)
    return (envelope, try JSONDecoder().decode(PrivacyRecord.self, from: Data(inner.utf8)), Array(inner.utf8))
  }

  @Test func trainsBAloneAndAsksForAFrozenA() async throws {
    let model = Bigram(), untouched = Bigram()
    try untouched.attachAdapter(configurationJSON: #"{"r":3,"lora_alpha":16}"#, seed: 3)
    _ = try await train(TrainerPluginTests.settings("trainer.dp-lora"), model)
    #expect(model.configuration.contains(#""freeze_a":true"#))
    #expect(model.adapter!.all[0].values.elementsEqual(untouched.adapter!.all[0].values))
    #expect(model.adapter!.all[1].values.contains { $0 != 0 })
  }

  @Test func everyStepIsClippedAndSamplesArePoisson() async throws {
    let model = Bigram()
    _ = try await train(#"{"steps":200,"batch":4,"length":9,"rank":3,"noise_multiplier":1,"clip_norm":0.5,"microbatch":100,"validate_every":0}"#, model)
    #expect(model.clipNorms.allSatisfy { $0 == 0.5 })
    // 200 samples of 40 at 10 %: sizes with mean 4 and variance 3.6; about 3 of 200 are empty and never seen.
    let sizes = model.seen.map { Double($0.count / 9) } + Array(repeating: 0, count: 200 - model.seen.count)
    let mean = sizes.reduce(0, +) / 200, variance = sizes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200
    #expect(abs(mean - 4) < 0.7 && abs(variance - 3.6) < 1.8, "\(mean) \(variance)")
  }

  @Test func theNoiseHasTheDeviationOfTheRecord() async throws {
    // Sequences of one counted token that the model predicts already would have no gradient; here all noise and a tiny bound.
    let model = Bigram()
    let result = try await train(#"{"steps":1,"batch":2,"length":9,"rank":64,"noise_multiplier":2,"clip_norm":1e-6,"learning_rate":1,"adam_epsilon":1,"validate_every":0}"#, model)
    // After one step of Adam with ε = 1 the change is the gradient nearly as it was: σ·C / batch.
    let values = model.adapter!.all[1].values.map(Double.init), deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    #expect(abs(deviation / (2 * 1e-6 / 2) - 1) < 0.15, "\(deviation)")
    #expect(result.metrics["clip_norm"] == 1e-6)
  }

  @Test func theRecordSaysWhatWasDone() async throws {
    let result = try await train(#"{"steps":50,"batch":4,"length":9,"rank":3,"noise_multiplier":1.1,"clip_norm":0.5,"data_hash":"ab12","validate_every":0}"#, identity: true)
    let (envelope, record, bytes) = try record(result)
    #expect(record.sequences == 40 && record.samplingRate == 0.1 && record.noiseMultiplier == 1.1 && record.clipNorm == 0.5 && record.steps == 50)
    #expect(record.clipNormSource == "given" && record.dataHash == "ab12" && record.trainer == "trainer.dp-lora" && record.frozen == "lora_A")
    #expect(record.delta == pow(40, -1.1))
    let wanted = try PrivacyAccountant.epsilon(try SampledGaussian(samplingRate: 0.1, noiseMultiplier: 1.1), steps: 50, delta: record.delta)
    #expect(record.epsilon == wanted && result.metrics["epsilon"] == wanted)
    #expect(record.orders.count == record.divergences.count && record.orders.count > 100)
    let signed = Array("centram.privacy-record/1\n".utf8) + bytes
    #expect(envelope["signature"] as? String == Data(Array(signed.prefix(24)) + Array(signed.suffix(40))).base64EncodedString())
    #expect(envelope["publicKey"] as? String == Data(Array(0..<32)).base64EncodedString())
    #expect(String(decoding: bytes, as: UTF8.self).contains("seed") == false)
  }

  @Test func withoutAnIdentityTheRecordIsUnsigned() async throws {
    let (envelope, record, _) = try record(try await train(TrainerPluginTests.settings("trainer.dp-lora")))
    #expect(envelope["signature"] is NSNull && envelope["publicKey"] is NSNull)
    #expect(record.clipNormSource == "median of 40 gradients, which the account does not cover" && record.clipNorm > 0)
  }

  @Test func noiseFollowsFromEpsilon() async throws {
    let result = try await train(#"{"steps":20,"batch":4,"length":9,"rank":3,"epsilon":2,"delta":0.001}"#)
    let (_, record, _) = try record(result)
    #expect(record.epsilon <= 2 && record.epsilon > 1.99 && record.delta == 0.001)
  }

  @Test func refusesWhatIsNotPrivate() async throws {
    for (settings, words) in [
      (#"{"delta":0.1}"#, "at most 0.025"), (#"{"epsilon":1,"noise_multiplier":1}"#, "give one"), (#"{"clip_norm":"mean"}"#, "neither a number above 0 nor median"),
      (#"{"accumulation":2}"#, "raise batch"), (#"{"batch":50}"#, "more than the 40 sequences"), (#"{"clip_norm":"-1"}"#, "neither"),
    ] {
      let error = await #expect(throws: PluginError.self) { try await train(settings) }
      #expect(error?.message.contains(words) == true, "\(settings): \(error?.message ?? "")")
    }
  }

  @Test func oneSequenceMovesTheSumByItsBoundAtMost() async throws {
    // The same seed with and without noise to speak of: the change of one step is bounded by batch norms.
    let model = Bigram()
    _ = try await train(#"{"steps":1,"batch":20,"length":9,"rank":3,"noise_multiplier":0.05,"clip_norm":0.01,"learning_rate":1,"adam_epsilon":1,"validate_every":0}"#, model)
    let norm = model.adapter!.all[1].values.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
    #expect(norm > 0 && norm < 0.01 * 40 / 20)
  }
}
