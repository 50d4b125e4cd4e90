internal import CentramModel
public import CentramPluginAPI
public import CentramStore
public import CentramWire
public import Foundation

/// The work of a round on a real model: local steps by a trainer plugin over a base in which the last aggregate is folded, and a merge of the factors by
/// an operator plugin.
public struct AdapterRounds: RoundWork {
  public struct Settings: Sendable {
    /// The base model: a folder or a file.
    public var base: String
    /// What to train on; nil: this node only merges.
    public var data: String?
    /// Holds what a training needs while it runs. It can go when the round is over.
    public var folder: String
    public var threads = 1
    /// Judges updates; nil: only the round's own checks do.
    public var gate: RoundGate?
    /// Measures aggregates; nil: votes say no lift.
    public var evaluation: NodeEvaluation?
    /// Keeps the account of private rounds; nil: this node trains in none.
    public var privacy: RoundPrivacy?
    public init(base: String, data: String?, folder: String) { (self.base, self.data, self.folder) = (base, data, folder) }
  }

  let announce: WireRoundAnnounce
  let settings: Settings
  let store: GenomeStore
  let trainer: @Sendable (_ id: String, _ version: String) throws -> any Trainer
  let resolve: @Sendable (String) throws(MergeError) -> any MergeOperator
  /// Unix milliseconds.
  let now: @Sendable () -> Int64
  private let shapes: [String: [Int]]
  private let maximumNorm: Double?
  private let bases: NodeBases
  private let known = RoundGate.Known()

  /// - Parameters:
  ///   - trainer: finds a trainer by id and version.
  ///   - resolve: finds a merge operator by id.
  /// - Throws: `.configuration` where the base is not the round's or cannot be read.
  public init(
    _ announce: WireRoundAnnounce, settings: Settings, store: GenomeStore, now: @escaping @Sendable () -> Int64,
    trainer: @escaping @Sendable (_ id: String, _ version: String) throws -> any Trainer,
    resolve: @escaping @Sendable (String) throws(MergeError) -> any MergeOperator
  ) throws(RoundError) {
    (self.announce, self.settings, self.store, self.now) = (announce, settings, store, now)
    (self.trainer, self.resolve) = (trainer, resolve)
    bases = NodeBases(paths: [settings.base], store: store)
    let plan = announce.plan, hash: String
    do throws(GenomePackageError) { hash = try BaseModelHash.of(settings.base) } catch { throw RoundError(.configuration, error.message) }
    guard hash == Hexadecimal.text(plan.base) else {
      throw RoundError(.configuration, "\(settings.base) has the hash \(hash); the round is about the base \(Hexadecimal.text(plan.base))")
    }
    do throws(ModelFileError) {
      let files = try ModelFiles(path: settings.base)
      var shapes: [String: [Int]] = [:], squared = 0.0
      for name in files.weights.tensorNames {
        guard let shape = files.weights.shape(name), shape.count == 2 else { continue }
        shapes[name] = shape
        if plan.maximumRelativeNorm > 0, let matrix = try files.weights.matrix(name) { squared += Self.squared(matrix.floats()) }
      }
      (self.shapes, maximumNorm) = (shapes, plan.maximumRelativeNorm > 0 ? plan.maximumRelativeNorm * squared.squareRoot() : nil)
    } catch { throw RoundError(.configuration, error.message) }
  }

  private static func squared(_ values: [Float]) -> Double {
    values.withUnsafeBufferPointer { values in
      var sum = 0.0
      for value in values { sum += Double(value) * Double(value) }
      return sum
    }
  }

  private var plan: WireRoundPlan { announce.plan }
  private var place: String { "\(settings.folder)/\(Hexadecimal.text(announce.round))" }

  public func check(_ update: Data) async throws(RoundError) {
    try await LongCalculation.attempt { () throws(RoundError) in
      _ = try UpdateCheck(shapes: shapes, maximumRank: try rank(), maximumNorm: maximumNorm).check(try blob(update, "update \(Hexadecimal.text(update.prefix(4)))"))
    }
  }

  public func judge(_ work: RoundAggregation, except own: NodeKey?) async throws(RoundError) -> [RoundRefusal] {
    guard let gate = settings.gate else { return [] }
    var candidates: [RoundGate.Candidate] = []
    for part in work.parts {
      let blob = try blob(part.hash, "update \(Hexadecimal.text(part.hash.prefix(4)))")
      candidates.append(.init(hash: part.hash, blob: blob, author: part.from, domain: part.domain))
    }
    let start = work.start.isEmpty ? nil : (adapter: try blob(work.start, "the step's start").adapter, key: Hexadecimal.text(work.start))
    return try await gate.refusals(.init(plan: plan, bases: bases, start: start, candidates: candidates, now: now()), except: own, known)
  }

  public func lift(_ aggregate: Data, from start: Data) async throws(RoundError) -> Double {
    guard let evaluation = settings.evaluation, evaluation.base == Hexadecimal.text(plan.base) else { return 0 }
    let before = try measured(start), after = try measured(aggregate)
    var sum = 0.0
    do throws(GenomePackageError) {
      for domain in evaluation.domains {
        let old = try await evaluation.losses(of: before, domain: domain), new = try await evaluation.losses(of: after, domain: domain)
        sum += (old.reduce(0, +) - new.reduce(0, +)) / Double(max(1, old.count))
      }
    } catch { throw RoundError(error.code == .cancelled ? .cancelled : .work, error.message) }
    return sum / Double(evaluation.domains.count)
  }

  /// The base with an aggregate, or alone.
  private func measured(_ aggregate: Data) throws(RoundError) -> MeasuredModel {
    guard !aggregate.isEmpty else { return .sum([]) }
    return .sum([.init(.adapter(try blob(aggregate, "an aggregate").adapter, key: Hexadecimal.text(aggregate)))])
  }

  public func aggregate(_ work: RoundAggregation) async throws(RoundError) -> RoundAggregate {
    try await LongCalculation.attempt { () throws(RoundError) in try merged(work) }
  }

  private func merged(_ work: RoundAggregation) throws(RoundError) -> RoundAggregate {
    var updates: [(blob: AdapterBlob, weight: UInt32)] = []
    for part in work.parts { updates.append((try blob(part.hash, "update \(Hexadecimal.text(part.hash.prefix(4)))"), part.weightBasisPoints)) }
    let start = work.start.isEmpty ? nil : try blob(work.start, "the step's start")
    let outer = OuterStep(plan: plan, resolve: resolve, folder: "\(place)/aggregate-\(work.step)-\(UUID().uuidString)")
    let (bytes, norm) = try outer.aggregate(start: start, updates: updates)
    return RoundAggregate(hash: try put(bytes), size: UInt64(bytes.count), norm: norm)
  }

  /// The adapter of a final aggregate as a folder that PEFT loads.
  public func write(_ aggregate: Data, to folder: String) throws(RoundError) { try blob(aggregate, "the aggregate").write(to: folder) }

  // MARK: Training

  public func train(_ work: RoundTraining) async throws(RoundError) -> LocalResult {
    guard let data = settings.data else { throw RoundError(.configuration, "this node has no data to train on; name it when joining") }
    let model = try await LongCalculation.attempt { () throws(RoundError) in try folded(work.start) }, output = "\(place)/step-\(work.step)"
    var plan = TrainingPlan(trainer: self.plan.trainer.id, model: model, data: data, seed: work.seed)
    plan.settings = try parameters()
    plan.settings["steps"] = .number(Double(self.plan.localSteps))
    plan.baseName = Hexadecimal.text(self.plan.base)
    var options = TrainingJob.Options()
    (options.threads, options.resumes) = (settings.threads, TrainingJob.canResume(output))
    // What a training that was killed right at its end left has no update in the store; it is quick to make again.
    if !options.resumes { try? FileManager.default.removeItem(atPath: output) }
    let summary: TrainingSummary
    do {
      let trainer = try trainer(self.plan.trainer.id, self.plan.trainer.version)
      try makePrivate(&plan, trainer, options)
      let job = try TrainingJob(plan, output: output, trainer: trainer, id: self.plan.trainer.id, version: self.plan.trainer.version, options: options)
      summary = try await job.run()
    } catch let error as RoundError {
      throw error
    } catch let error as TrainingJobError {
      throw RoundError(error.code == .cancelled ? .cancelled : .work, error.message)
    } catch { throw RoundError(.work, "\(error)") }
    let made = try AdapterBlob(folder: output), bytes = made.encoded
    let norm = try LowRankNorm.of(made.adapter)
    guard norm.isFinite else { throw RoundError(.work, "the local steps diverged: the update is not finite") }
    let hash = try put(bytes)
    let privacy = self.plan.maximumEpsilon > 0 ? try await settings.privacy?.charge(output, update: hash, now: now()) : nil
    try? FileManager.default.removeItem(atPath: output)
    let batch = number("batch", 4) * number("accumulation", 1) * Double(summary.length)
    return LocalResult(
      hash: hash, size: UInt64(bytes.count), localSteps: self.plan.localSteps, tokens: UInt64(batch * Double(self.plan.localSteps)), norm: norm,
      loss: summary.metrics["loss"] ?? 0, privacy: privacy)
  }

  /// In a private round: noise that keeps the round's ε, from a seed that nobody else knows.
  private func makePrivate(_ plan: inout TrainingPlan, _ trainer: any Trainer, _ options: TrainingJob.Options) throws {
    guard self.plan.maximumEpsilon > 0 else { return }
    guard let privacy = settings.privacy else { throw RoundError(.configuration, "the round asks for private training, and this node keeps no account of it") }
    try RoundPrivacy.check(self.plan, try parameters())
    plan.seed = try privacy.seed(plan.seed)
    guard !options.resumes else { return }
    let job = try TrainingJob(plan, output: "", trainer: trainer, id: self.plan.trainer.id, version: self.plan.trainer.version, options: options)
    var delta: Double?
    if case .number(let given)? = plan.settings["delta"] { delta = given }
    plan.settings["noise_multiplier"] = .number(try RoundPrivacy.noise(self.plan, sequences: try job.sequences(), batch: number("batch", 4), delta: delta))
  }

  /// The base with an aggregate in it, as a model's folder. The last one goes when the next is made.
  private func folded(_ start: Data) throws(RoundError) -> String {
    guard !start.isEmpty else { return settings.base }
    let blob = try blob(start, "the step's start"), name = "folded-\(Hexadecimal.text(start))", folder = "\(place)/\(name)"
    guard !FileManager.default.fileExists(atPath: folder + "/config.json") else { return folder }
    do {
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      for other in try FileManager.default.contentsOfDirectory(atPath: place) where other.hasPrefix("folded-") && other != name {
        try FileManager.default.removeItem(atPath: "\(place)/\(other)")
      }
      let export = try ModelExport(model: try ModelFiles(path: settings.base), adapters: [.init(blob.adapter)])
      _ = try export.writeSafetensors(to: folder, format: .float32, replaces: true)
    } catch { throw RoundError(.work, "the aggregate cannot be folded into the base: \(error)") }
    return folder
  }

  private func parameters() throws(RoundError) -> [String: TrainingPlan.Setting] { try Self.parameters(of: plan) }

  static func parameters(of plan: WireRoundPlan) throws(RoundError) -> [String: TrainingPlan.Setting] {
    guard !plan.trainerParameters.isEmpty else { return [:] }
    guard let settings = try? JSONDecoder().decode([String: TrainingPlan.Setting].self, from: Data(plan.trainerParameters.utf8)) else {
      throw RoundError(.configuration, "the trainer's parameters are no JSON object of numbers, texts and flags")
    }
    return settings
  }

  private func number(_ name: String, _ standard: Double) -> Double {
    guard case .number(let value)? = try? parameters()[name] else { return standard }
    return value
  }

  /// Of what the round trains: the trainer's own default where nothing is said.
  private func rank() throws(RoundError) -> Int {
    guard case .number(let rank)? = try parameters()["rank"] else { return 8 }
    return Int(rank)
  }

  // MARK: Blobs

  private func blob(_ hash: Data, _ name: String) throws(RoundError) -> AdapterBlob {
    let bytes: [UInt8]
    do throws(StoreError) { bytes = try store.read(Hexadecimal.text(hash)) } catch { throw RoundError(.unavailable, "\(name): \(error.message)") }
    return try AdapterBlob(bytes, name: name)
  }

  private func put(_ bytes: [UInt8]) throws(RoundError) -> Data {
    do throws(StoreError) { return Data(Hexadecimal.bytes(try store.put(bytes, now: now()).hash.utf8) ?? []) } catch { throw RoundError(.storage, error.message) }
  }
}
