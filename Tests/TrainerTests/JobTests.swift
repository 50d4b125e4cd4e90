import CentramModel
import CentramNode
import CentramPluginAPI
import Foundation
import Synchronization
import Testing

/// Trainings through the node, on the toy and on tiny models.
@Suite struct JobTests: Sendable {
  static let models = Fixtures.root.appendingPathComponent("Tests/Fixtures/Golden/Model").path
  let folder = try! TemporaryFolder()

  static func text(_ repeats: Int = 30) -> String {
    (0..<repeats).map { "line \($0): the quick brown fox jumps over the lazy dog, and \($0 * 7919 % 97) more of them follow.\n" }.joined()
  }

  func plan(_ id: String, model: String?, data: String, _ settings: [String: TrainingPlan.Setting], seed: UInt64 = 1) -> TrainingPlan {
    var plan = TrainingPlan(trainer: id, model: model, fromScratch: model == nil ? "gpt-byte" : nil, data: data, seed: seed)
    plan.settings = settings
    return plan
  }

  @discardableResult func run(
    _ plan: TrainingPlan, _ output: String, resumes: Bool = false, keeps: Int = 2, threads: Int = 1, activationBudget: Int = 1 << 30,
    _ observer: TrainingJob.Observer = .init(), services: TestServices = TestServices()
  ) async throws -> TrainingSummary {
    var options = TrainingJob.Options()
    (options.resumes, options.keeps, options.threads, options.activationBudget) = (resumes, keeps, threads, activationBudget)
    let job = try TrainingJob(
      plan, output: output, trainer: trainer(plan.trainer, services: services), id: plan.trainer, version: "1.0.0", options: options)
    return try await job.run(observer)
  }

  func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  func log(_ output: String) throws -> [[String: Any]] {
    try String(contentsOfFile: output + "/log.jsonl", encoding: .utf8).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  func message(_ body: () async throws -> Void) async -> String {
    do { try await body() } catch { return "\(error)" }
    return "no error"
  }

  static let small: [String: TrainingPlan.Setting] = [
    "steps": .number(6), "batch": .number(2), "length": .number(33), "checkpoint_every": .number(2), "learning_rate": .number(0.01),
  ]

  /// A model from scratch, quickly.
  func toy() async throws -> String {
    let data = try folder.write(Self.text(), as: "data.txt")
    try await run(plan("trainer.full-delta", model: nil, data: data, Self.small), folder("toy"))
    return folder("toy")
  }

  @Test func lossesOfTheGoldenToyAreThoseOfPyTorch() async throws {
    struct Golden: Decodable { let losses: [Double] }
    let model = Self.models + "/gpt-byte"
    let golden = try JSONDecoder().decode(Golden.self, from: try bytes(model + "/golden-losses.json")).losses
    let line = "the quick brown fox jumps over the lazy dog. pack my box with five dozen liquor jugs. "
    let data = try folder.write(String(String(repeating: line, count: 60).prefix(16 * 129)), as: "golden.txt")
    var plan = plan(
      "trainer.full-delta", model: model, data: data,
      [
        "steps": .number(12), "batch": .number(16), "length": .number(129), "learning_rate": .number(1e-3), "schedule": .string("constant"), "beta2": .number(0.95),
        "weight_decay": .number(0.1), "clip": .number(1), "validate_every": .number(0),
      ])
    plan.validationShare = 0
    try await run(plan, folder("golden"), threads: 2)
    let losses = try log(folder("golden")).compactMap { $0["loss"] as? Double }
    #expect(losses.count == 12)
    for (found, wanted) in zip(losses, golden) { #expect(abs(found - wanted) < 1e-4, "\(found) \(wanted)") }
  }

  @Test func aToyFromScratchIsAModelThatCanBeOpened() async throws {
    let files = try ModelFiles(path: try await toy())
    #expect(files.configuration == .gptByte && files.weights.tensorNames.reduce(0) { $0 + files.weights.shape($1)!.reduce(1, *) } == 842_496)
    let losses = try log(folder("toy")).compactMap { $0["loss"] as? Double }
    #expect(losses.count == 6 && losses[5] < losses[0] - 0.5)
    let summary = try JSONDecoder().decode(TrainingSummary.self, from: try bytes(folder("toy/training.json")))
    #expect(summary.files == ["model.safetensors", "config.json"] && summary.seed == 1 && summary.dataHash.count == 64 && summary.metrics["steps"] == 6)
    #expect(try log(folder("toy")).allSatisfy { $0["learningRate"] != nil || $0["validationLoss"] != nil })
  }

  @Test(arguments: allTrainers) func aRunResumedFromAnyCheckpointEndsWithTheSameBytes(id: String) async throws {
    let base = try await toy()
    var settings = Self.small
    settings["checkpoint_every"] = .number(1)
    if id != "trainer.full-delta" { (settings["rank"], settings["dropout"]) = (.number(2), .number(id == "trainer.lora" ? 0.2 : 0)) }
    if id == "trainer.dp-lora" { (settings["noise_multiplier"], settings["clip_norm"]) = (.number(1), .string("0.1")) }
    let plan = plan(id, model: base, data: folder("data.txt"), settings)
    // Checkpoints of a private run go at its end, so it is stopped after the last but one step.
    let holder = JobHolder()
    let stopping = TrainingJob.Observer(event: { if $0.step == 5, $0.loss != nil { holder.cancel() } })
    let error = await message { _ = try await holder.start { try await run(plan, folder("a"), keeps: 100, stopping) }.value }
    #expect(error.contains("stopped after step 5 of 6, with a checkpoint"), "\(error)")
    let steps = try FileManager.default.contentsOfDirectory(atPath: folder("a/checkpoints")).filter { $0.hasSuffix(".checkpoint") }.sorted()
    #expect(steps.count == 5)
    for (index, _) in steps.enumerated() {
      let copy = folder("b\(index)")
      try FileManager.default.copyItem(atPath: folder("a"), toPath: copy)
      for later in steps[(index + 1)...] { try FileManager.default.removeItem(atPath: "\(copy)/checkpoints/\(later)") }
      try await run(plan, copy, resumes: true)
    }
    try await run(plan, folder("whole"))
    let name = id == "trainer.full-delta" ? "delta.safetensors" : "adapter_model.safetensors"
    let wanted = try bytes(folder("whole/" + name))
    for index in steps.indices {
      #expect(try bytes(folder("b\(index)/\(name)")) == wanted, "after step \(index + 1)")
      #expect(try log(folder("b\(index)")).compactMap { $0["loss"] as? Double } == log(folder("whole")).compactMap { $0["loss"] as? Double })
    }
  }

  @Test func whatATrainingGainsOnItsHeldOutTextIsItsLiftAlsoWhenItWasResumed() async throws {
    let base = try await toy(), llama = Self.models + "/tiny/tiny-llama3", data = folder("data.txt")
    var settings = Self.small.merging(["rank": .number(2), "checkpoint_every": .number(1)]) { $1 }
    func held(_ output: String) throws -> [Double] { try log(output).compactMap { $0["validationLoss"] as? Double } }
    for (index, (model, bytes)) in [(base, 1.0...1.0), (llama, 1.0.nextUp...8)].enumerated() {
      let plan = plan("trainer.lora", model: model, data: data, settings), holder = JobHolder(), output = folder("lift-\(index)")
      let whole = try await run(plan, output), losses = try held(output)
      let lift = try #require(whole.metrics["lift"]), perToken = (losses[0] - losses[losses.count - 1]) / lift
      #expect(losses.count == 2 && lift != 0 && (bytes.lowerBound * 0.999999...bytes.upperBound * 1.000001).contains(perToken), "\(model): \(lift), \(losses)")
      _ = await message { _ = try await holder.start { try await run(plan, output + "-again", .init(event: { if $0.step == 3, $0.loss != nil { holder.cancel() } })) }.value }
      let resumed = try await run(plan, output + "-again", resumes: true)
      #expect(resumed.metrics["lift"] == lift)
    }
    // Nothing is claimed of what did not begin at a base, or was not measured.
    let scratch = try JSONDecoder().decode(TrainingSummary.self, from: try bytes(base + "/training.json"))
    var further = plan("trainer.lora", model: base, data: data, settings)
    further.initialAdapter = folder("lift-0")
    settings["validate_every"] = .number(0)
    let (onward, unmeasured) = (try await run(further, folder("further")), try await run(plan("trainer.lora", model: base, data: data, settings), folder("unmeasured")))
    #expect(scratch.metrics["lift"] == nil && onward.metrics["lift"] == nil && unmeasured.metrics["lift"] == nil)
    #expect(scratch.metrics["validation_loss"] != nil && onward.metrics["validation_loss"] != nil)
  }

  @Test func threadsAndRecomputationChangeNoByte() async throws {
    let base = try await toy()
    let plan = plan("trainer.lora", model: base, data: folder("data.txt"), Self.small.merging(["rank": .number(2)]) { $1 })
    try await run(plan, folder("one"))
    try await run(plan, folder("two"), threads: 2)
    try await run(plan, folder("three"), activationBudget: 0)
    let one = try bytes(folder("one/adapter_model.safetensors"))
    #expect(try one == bytes(folder("two/adapter_model.safetensors")) && one == bytes(folder("three/adapter_model.safetensors")))
  }

  @Test func theDifferenceAddedToTheBaseIsTheWholeModel() async throws {
    let base = try await toy()
    var plan = plan("trainer.full-delta", model: base, data: folder("data.txt"), Self.small)
    plan.writesMerged = true
    try await run(plan, folder("full"))
    let delta = try SafetensorsFile(path: folder("full/delta.safetensors")), whole = try SafetensorsFile(path: folder("full/model.safetensors"))
    let start = try SafetensorsFile(path: base + "/model.safetensors")
    var changed = 0
    for tensor in delta.tensors {
      let (d, w, b) = (delta.floats(of: tensor), whole.floats(of: try #require(whole.tensor(tensor.name))), start.floats(of: try #require(start.tensor(tensor.name))))
      for index in d.indices { #expect(d[index] == w[index] - b[index]) }
      changed += d.contains { $0 != 0 } ? 1 : 0
    }
    #expect(changed == delta.tensors.count && delta.tensors.count == whole.tensors.count)
  }

  @Test func aFolderHasOneRunAtATimeAndIsNotOverwritten() async throws {
    let base = try await toy(), data = folder("data.txt")
    let plan = plan("trainer.lora", model: base, data: data, Self.small)
    #expect(await message { try await run(plan, base) }.contains("a training was begun there"))
    #expect(await message { try await run(plan, base, resumes: true) }.contains("this training is finished"))
    #expect(await message { try await run(plan, folder("none"), resumes: true) }.contains("no training was begun there"))
    try FileManager.default.createDirectory(atPath: folder("mine"), withIntermediateDirectories: true)
    try folder.write("precious", as: "mine/letter.txt")
    #expect(await message { try await run(plan, folder("mine")) }.contains("the folder holds something (letter.txt)"))
    // From within a run its folder is taken.
    let inner = Mutex<String>("")
    let observer = TrainingJob.Observer(begin: { _ in
      let file = open(folder("taken") + "/.lock", O_RDWR)
      inner.withLock { $0 = flock(file, LOCK_EX | LOCK_NB) == 0 ? "free" : "taken" }
      close(file)
    })
    try await run(plan, folder("taken"), observer)
    #expect(inner.withLock { $0 } == "taken")
  }

  @Test func changedDataIsNotResumedOn() async throws {
    let base = try await toy()
    let plan = plan("trainer.lora", model: base, data: folder("data.txt"), Self.small)
    let holder = JobHolder()
    let observer = TrainingJob.Observer(event: { if $0.step == 3 { holder.cancel() } })
    _ = await message { _ = try await holder.start { try await run(plan, folder("out"), observer) }.value }
    try folder.write(Self.text(31), as: "data.txt")
    #expect(await message { try await run(plan, folder("out"), resumes: true) }.contains("the data is not the same as when the training began"))
  }

  @Test func aDamagedCheckpointIsNamedAndTheOneBeforeServes() async throws {
    let base = try await toy()
    let plan = plan("trainer.lora", model: base, data: folder("data.txt"), Self.small)
    let holder = JobHolder()
    let observer = TrainingJob.Observer(event: { if $0.step == 5 { holder.cancel() } })
    _ = await message { _ = try await holder.start { try await run(plan, folder("out"), observer) }.value }
    let newest = folder("out/checkpoints/step-000000005.checkpoint")
    var data = try bytes(newest)
    data[data.count / 2] ^= 1
    try data.write(to: URL(fileURLWithPath: newest))
    #expect(await message { try await run(plan, folder("out"), resumes: true) }.contains("step-000000005.checkpoint: the checkpoint is damaged; delete the file"))
    for length in [0, 10, 40, 100, data.count - 1] {
      try data.prefix(length).write(to: URL(fileURLWithPath: newest))
      #expect(await message { try await run(plan, folder("out"), resumes: true) }.contains("delete the file"))
    }
    try FileManager.default.removeItem(atPath: newest)
    try await run(plan, folder("out"), resumes: true)
    try await run(plan, folder("whole"))
    #expect(try bytes(folder("out/adapter_model.safetensors")) == bytes(folder("whole/adapter_model.safetensors")))
  }

  @Test func aLossThatIsNotANumberNamesStepSequencesAndCheckpoint() async throws {
    let base = try await toy()
    var settings = Self.small
    (settings["learning_rate"], settings["clip"], settings["steps"]) = (.number(100), .number(0), .number(200))
    (settings["schedule"], settings["weight_decay"]) = (.string("constant"), .number(10))
    let plan = plan("trainer.full-delta", model: base, data: folder("data.txt"), settings)
    let found = await message { try await run(plan, folder("out")) }
    #expect(found.contains("Its sequences: ") && found.contains("(data.txt:") && found.contains("of the data; "), "\(found)")
    #expect(found.contains("the last good checkpoint is that of step") || found.contains("there is no checkpoint yet"))
    #expect(!FileManager.default.fileExists(atPath: folder("out/model.safetensors")))
  }

  @Test func refusesWhatCannotBeTrained() async throws {
    let base = try await toy(), data = folder("data.txt")
    for (plan, words) in [
      (plan("trainer.lora", model: nil, data: data, [:]), "train from scratch with trainer.full-delta"),
      (plan("trainer.lora", model: base, data: data, ["length": .number(200)]), "the model takes from 2 to 129"),
      (plan("trainer.lora", model: base, data: data, ["rnak": .number(2)]), "no parameter rnak; nearest: rank"),
      (plan("trainer.lora", model: base, data: data, ["targets": .string("q_proj")]), "known are attn_qkv, attn_out, fc1, fc2"),
      (plan("trainer.lora", model: base, data: data, ["layers": .string("7")]), "layer 7 is not one of the model's, 0 to 3"),
      (plan("trainer.lora", model: folder("no"), data: data, [:]), "no such folder or file"),
      (plan("trainer.lora", model: base, data: folder("no"), [:]), "no such folder or file"),
    ] {
      let found = await message { try await run(plan, folder("out-\(UUID().uuidString)")) }
      #expect(found.contains(words), "\(found)")
    }
  }

  @Test func aChatIsPutIntoTheModelsOwnWords() async throws {
    let line = #"{"messages":[{"role":"user","content":"Hi <|im_end|>"},{"role":"assistant","content":"Hello you."}]}"#
    let data = try folder.write(Array(repeating: line, count: 4).joined(separator: "\n"), as: "chat.jsonl")
    var plan = plan("trainer.lora", model: Self.models + "/tiny/tiny-qwen2-f32", data: data, ["steps": .number(2), "batch": .number(2), "rank": .number(2), "length": .number(64)])
    (plan.masksPrompts, plan.validationShare) = (true, 0)
    let summary = try await run(plan, folder("chat"))
    #expect(summary.sequences == 4 && summary.metrics["loss"]! > 0)
  }
}

/// A job's task that may be cancelled from within itself.
final class JobHolder: Sendable {
  private let task = Mutex<Task<TrainingSummary, any Error>?>(nil)
  func start(_ body: @escaping @Sendable () async throws -> TrainingSummary) -> Task<TrainingSummary, any Error> {
    task.withLock { slot in
      let task = Task { try await body() }
      slot = task
      return task
    }
  }
  func cancel() { task.withLock { $0?.cancel() } }
}
