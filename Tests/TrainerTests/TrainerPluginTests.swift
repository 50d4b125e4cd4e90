import CentramPluginAPI
import Foundation
import Synchronization
import Testing

@Suite struct TrainerPluginTests {
  static let common = #""steps":12,"batch":4,"length":9,"learning_rate":0.05,"warm_up":2,"checkpoint_every":1,"validate_every":4"#
  static func settings(_ id: String, _ more: String = "") -> String {
    let own = id == "trainer.dp-lora" ? #","rank":3,"noise_multiplier":0.7,"microbatch":3"# : id == "trainer.lora" ? #","rank":3,"accumulation":2"# : #","accumulation":2"#
    return "{\(common)\(own)\(more)}"
  }

  @discardableResult static func train(
    _ id: String, _ model: Bigram, _ observer: Watching = Watching(), settings: String? = nil, seed: UInt64 = 3, resume: [UInt8]? = nil,
    data: Counting = Counting(), services: TestServices = TestServices()
  ) async throws -> TrainingResult {
    try await trainer(id, services: services).train(
      TrainingRequest(model: model, data: data, settingsJSON: settings ?? Self.settings(id), seed: seed, resumeState: resume, observer: observer))
  }

  @Test(arguments: allTrainers) func lowersTheLoss(id: String) async throws {
    let observer = Watching(), model = Bigram()
    let settings = Self.settings(id).replacingOccurrences(of: "\"steps\":12", with: "\"steps\":150").replacingOccurrences(
      of: "\"noise_multiplier\":0.7", with: "\"noise_multiplier\":0.3,\"alpha\":6")
    let result = try await Self.train(id, model, observer, settings: settings)
    let losses: [Double] = observer.events.withLock { $0.compactMap(\.validationLoss) }
    #expect(losses.count == 39)
    let (first, last) = (losses[0], losses[38])
    #expect(last < first - 0.3, "\(losses)")
    #expect(result.metrics["validation_loss"] == last && result.metrics["steps"] == 150)
    #expect(observer.events.withLock { $0.filter { $0.loss != nil }.map(\.step) }.count > 140)
    #expect(observer.events.withLock { $0.compactMap(\.tokensPerSecond) }.isEmpty == false)
    #expect(observer.states.withLock { $0.count } == 150)
  }

  @Test(arguments: allTrainers) func resumedAtAnyStepItEndsWithTheSameBits(id: String) async throws {
    let whole = Bigram(), observer = Watching()
    let result = try await Self.train(id, whole, observer)
    let states = observer.states.withLock { $0 }
    #expect(states.count == 12)
    for (index, state) in states.enumerated() {
      let model = Bigram(), again = Watching()
      let resumed = try await Self.train(id, model, again, resume: state)
      #expect(model.bits == whole.bits, "after step \(index + 1)")
      #expect(again.states.withLock { $0 } == Array(states[(index + 1)...]))
      // All but the validation loss, which a run resumed at its end does not measure again.
      #expect(resumed.metrics.filter { $0.key != "validation_loss" } == result.metrics.filter { $0.key != "validation_loss" })
      #expect(resumed.privacyRecordJSON == result.privacyRecordJSON)
    }
  }

  @Test(arguments: allTrainers) func anotherSeedGivesOtherBitsAndTheSameSeedTheSame(id: String) async throws {
    let (one, two, three) = (Bigram(), Bigram(), Bigram())
    try await Self.train(id, one)
    try await Self.train(id, two)
    try await Self.train(id, three, seed: 4)
    // A full training draws nothing; its data has an order of the host's.
    #expect(one.bits == two.bits && (one.bits != three.bits || id == "trainer.full-delta"))
  }

  @Test(arguments: allTrainers) func stopsWhenItsTaskIsCancelledWithACheckpointWritten(id: String) async throws {
    let holder = TaskHolder(), whole = Bigram()
    try await Self.train(id, whole)
    let observer = Watching { if $0.step == 5 { holder.cancel() } }
    let settings = Self.settings(id).replacingOccurrences(of: "\"checkpoint_every\":1", with: "\"checkpoint_every\":0")
    let task = holder.start { try await Self.train(id, Bigram(), observer, settings: settings) }
    let error = await #expect(throws: PluginError.self) { try await task.value }
    #expect(error?.code == .cancelled && error?.message == "stopped after step 5 of 12, with a checkpoint")
    let states = observer.states.withLock { $0 }
    try #require(states.count == 1)
    let model = Bigram()
    try await Self.train(id, model, resume: states[0])
    #expect(model.bits == whole.bits)
  }

  @Test(arguments: allTrainers) func stopsAtALossThatIsNotANumber(id: String) async throws {
    let model = Bigram(), observer = Watching()
    // Private training looks at 40 gradients in parts of 3 before its first step.
    let last = id == "trainer.dp-lora" ? 14 + 9 : 9
    model.onAccumulate = { [model] (_) throws(PluginError) in if model.seen.count == last { model.base.all[0].values.update(repeating: .nan) } }
    let settings = Self.settings(id).replacingOccurrences(of: "\"checkpoint_every\":1", with: "\"checkpoint_every\":2")
    let error = await #expect(throws: PluginError.self) { try await Self.train(id, model, observer, settings: settings) }
    model.onAccumulate = { (_) throws(PluginError) in }
    let message = error?.message ?? ""
    #expect(message.contains("nan") && message.contains("of the data") && message.contains("the last good checkpoint is that of step"), "\(message)")
    if id != "trainer.dp-lora" { #expect(message.contains("step 5, batches 8 to 9 of the data; the last good checkpoint is that of step 4"), "\(message)") }
    // What was written before is good.
    let state = try #require(observer.states.withLock { $0.last })
    let whole = Bigram(), resumed = Bigram()
    try await Self.train(id, whole)
    try await Self.train(id, resumed, resume: state)
    #expect(resumed.bits == whole.bits)
  }

  @Test func refusesUnknownKeysAndWrongValues() async throws {
    for (settings, words) in [
      (#"{"learning_rat":1}"#, "did you mean learning_rate?"), (#"{"rank":0}"#, "rank is 0, not between 1 and 4096"), (#"{"rank":2.5}"#, "not a whole number"),
      (#"{"rslora":3}"#, "rslora is 3, not true or false"), (#"{"schedule":"sine"}"#, "known are constant, linear, cosine"),
      (#"{"steps":5,"epochs":2}"#, "give one"), (#"{"warm_up":50,"steps":5}"#, "longer than the 5 steps"), (#"{"layers":"4-2"}"#, "write numbers from 0"),
      (#"{"zzzzzzzzz":1}"#, "known are accumulation"), ("[]", "not a JSON object"), (#"{"rank":{"a":1}}"#, "not a JSON object"), (#"{"learning_rate":"fast"}"#, "not a number"),
      (#"{"targets":"a\"b"}"#, "characters that no module's name has"),
    ] {
      let error = await #expect(throws: PluginError.self, "\(settings)") { try await Self.train("trainer.lora", Bigram(), settings: settings) }
      #expect(error?.message.contains(words) == true, "\(settings): \(error?.message ?? "")")
    }
  }

  @Test func refusesACheckpointOfOtherSettingsSeedTrainerOrDamaged() async throws {
    let observer = Watching()
    try await Self.train("trainer.lora", Bigram(), observer)
    let state = try #require(observer.states.withLock { $0.first })
    func message(_ state: [UInt8], _ id: String = "trainer.lora", settings: String? = nil, seed: UInt64 = 3) async -> String {
      let error = await #expect(throws: PluginError.self) { try await Self.train(id, Bigram(), settings: settings, seed: seed, resume: state) }
      return error?.message ?? ""
    }
    #expect(await message(state, settings: Self.settings("trainer.lora", #","alpha":3"#)).contains("other settings (alpha=16)"))
    #expect(await message(state, seed: 4).contains("another seed"))
    #expect(await message(state, "trainer.full-delta").contains("of trainer.lora, not of trainer.full-delta"))
    // Every cut and every changed byte.
    for index in stride(from: 0, to: state.count, by: 17) {
      #expect(!(await message(Array(state.prefix(index))).isEmpty))
      var changed = state
      changed[index] ^= 0x41
      #expect(!(await message(changed).isEmpty))
    }
  }

  @Test func epochsBecomeSteps() async throws {
    let result = try await Self.train("trainer.full-delta", Bigram(), settings: #"{"epochs":1.5,"batch":4,"length":9,"accumulation":2}"#, data: Counting(count: 41))
    #expect(result.metrics["steps"] == 8)
  }

  @Test func accumulationIsOneLargeBatch() async throws {
    let (one, two) = (Bigram(), Bigram())
    try await Self.train("trainer.full-delta", one, settings: #"{"steps":5,"batch":4,"length":9,"accumulation":2,"learning_rate":0.1}"#)
    try await Self.train("trainer.full-delta", two, settings: #"{"steps":5,"batch":8,"length":9,"learning_rate":0.1}"#)
    for (a, b) in zip(one.base.all[0].values, two.base.all[0].values) { #expect(abs(a - b) < 1e-5) }
  }
}

/// A task that may be cancelled from within itself.
final class TaskHolder: Sendable {
  private let task = Mutex<Task<TrainingResult, any Error>?>(nil)
  func start(_ body: @escaping @Sendable () async throws -> TrainingResult) -> Task<TrainingResult, any Error> {
    // The lock is held until the task is known, so the first event finds it.
    task.withLock { slot in
      let task = Task { try await body() }
      slot = task
      return task
    }
  }
  func cancel() { task.withLock { $0?.cancel() } }
}
