import CentramPluginAPI
import Foundation
import Synchronization

/// A fault that the suite of trainers must find, and the check that finds it.
enum TrainerMutation: String, CaseIterable, Sendable {
  case describesTwice, takesSettingsNowAndThen, learnsNothing, countsNaN, goesBackwards, saysNothing, readsBeyondTheData, trainsTheBase, varies, ignoresTheSeed
  case resumesWrongly, takesAnyCheckpoint, ignoresCancellation, keepsNoCheckpoint
  case ignoresNaN, swallowsModelErrors, swallowsDataErrors, swallowsCheckpointErrors, takesAnyNumber
  case dropsTheRecord, doesNotClip, halvesEpsilon

  var caughtBy: String {
    switch self {
    case .describesTwice: "info"
    case .takesSettingsNowAndThen: "configuration"
    case .learnsNothing: "lowers-the-loss"
    case .countsNaN: "metrics"
    case .goesBackwards, .saysNothing: "progress"
    case .readsBeyondTheData: "data-in-range"
    case .trainsTheBase: "base-unchanged"
    case .varies: "repeatable"
    case .ignoresTheSeed: "seed"
    case .resumesWrongly: "resume"
    case .takesAnyCheckpoint: "foreign-checkpoint"
    case .ignoresCancellation, .keepsNoCheckpoint: "cancellation"
    case .ignoresNaN: "not-a-number"
    case .swallowsModelErrors: "model-error"
    case .swallowsDataErrors: "data-error"
    case .swallowsCheckpointErrors: "checkpoint-error"
    case .takesAnyNumber: "parameters-beyond-limits"
    case .dropsTheRecord, .doesNotClip: "privacy-record"
    case .halvesEpsilon: "privacy-arithmetic"
    }
  }

  var isPrivate: Bool { [.dropsTheRecord, .doesNotClip, .halvesEpsilon].contains(self) }
}

/// A right trainer made wrong in one way.
struct WrongTrainer: Trainer {
  let base: any Trainer, mutation: TrainerMutation, memory: WrongMemory
  let number: Int

  init(_ base: any Trainer, _ mutation: TrainerMutation, _ memory: WrongMemory, configurationJSON: String) throws(PluginError) {
    (self.base, self.mutation, self.memory) = (base, mutation, memory)
    number = memory.made.add(1, ordering: .relaxed).newValue
    if mutation == .takesSettingsNowAndThen, configurationJSON != "{}", number % 2 == 0 { throw PluginError(.invalid, "not now") }
  }

  var info: TrainerInfo {
    var info = base.info
    if mutation == .describesTwice { info.parameters.append(info.parameters[0]) }
    return info
  }

  func train(_ request: TrainingRequest) async throws(PluginError) -> TrainingResult {
    if mutation == .readsBeyondTheData { _ = try? request.data.sequence(request.data.count, length: 9) }
    if mutation == .trainsTheBase { request.model.tensors[0].values[0] += 1e-3 }
    let model = WrongModel(request.model, mutation)
    func changed(resume: [UInt8]?) -> TrainingRequest {
      TrainingRequest(
        model: model, data: WrongData(base: request.data, mutation: mutation), settingsJSON: request.settingsJSON, seed: mutation == .ignoresTheSeed ? 5 : request.seed,
        resumeState: resume, observer: WrongObserver(base: request.observer, mutation: mutation))
    }
    var result: TrainingResult
    do throws(PluginError) {
      let first = changed(resume: request.resumeState), base = base
      if mutation == .ignoresCancellation {
        let outcome = await Task { () -> Result<TrainingResult, PluginError> in
          do throws(PluginError) { return .success(try await base.train(first)) } catch { return .failure(error) }
        }.value
        result = try outcome.get()
      } else {
        result = try await base.train(first)
      }
    } catch {
      if mutation == .takesAnyCheckpoint, request.resumeState != nil, error.code != .cancelled {
        result = try await base.train(changed(resume: nil))
      } else if mutation == .takesAnyNumber, error.message.contains("not between") {
        return TrainingResult(metrics: ["steps": 0])
      } else {
        throw error
      }
    }
    if mutation == .varies { request.model.tensors[0].values[0] += Float(number) * 1e-3 }
    // After the first checkpoint all but one step are left.
    if mutation == .resumesWrongly, request.resumeState != nil, model.accumulations > 6 { request.model.tensors[0].values[0] += 1e-3 }
    if mutation == .countsNaN { result.metrics["speed"] = .nan }
    if mutation == .dropsTheRecord { result.privacyRecordJSON = nil }
    if mutation == .halvesEpsilon { result.privacyRecordJSON = result.privacyRecordJSON.map(Self.halving) }
    return result
  }

  private static func halving(_ text: String) -> String {
    guard var envelope = (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any], let inner = envelope["record"] as? String,
      var record = (try? JSONSerialization.jsonObject(with: Data(inner.utf8))) as? [String: Any], let epsilon = record["epsilon"] as? Double
    else { return text }
    record["epsilon"] = epsilon / 2
    envelope["record"] = String(decoding: (try? JSONSerialization.data(withJSONObject: record)) ?? Data(), as: UTF8.self)
    return String(decoding: (try? JSONSerialization.data(withJSONObject: envelope)) ?? Data(), as: UTF8.self)
  }
}

private final class WrongModel: TrainableModel, @unchecked Sendable {
  let base: any TrainableModel, mutation: TrainerMutation
  private(set) var accumulations = 0
  init(_ base: any TrainableModel, _ mutation: TrainerMutation) { (self.base, self.mutation) = (base, mutation) }

  var tensors: [TrainableTensor] { base.tensors }
  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) { try base.attachAdapter(configurationJSON: configurationJSON, seed: seed) }
  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double { try await base.loss(tokens: tokens, batch: batch, length: length) }

  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    accumulations += 1
    var found: (loss: Double, norms: [Double])
    do throws(PluginError) {
      found = try await base.accumulate(tokens: tokens, batch: batch, length: length, clipNorm: mutation == .doesNotClip ? nil : clipNorm)
      if mutation == .doesNotClip, clipNorm != nil { found.norms = Array(repeating: 1, count: batch) }
    } catch {
      guard mutation == .swallowsModelErrors else { throw error }
      found = (1, Array(repeating: 1, count: batch))
    }
    if mutation == .learnsNothing || (mutation == .ignoresNaN && found.loss.isNaN) {
      for tensor in base.tensors { tensor.gradient.update(repeating: 0) }
      if mutation == .ignoresNaN { found.loss = 1 }
    }
    return found
  }
}

private struct WrongData: TokenStream {
  let base: any TokenStream, mutation: TrainerMutation
  var count: Int { base.count }
  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] {
    do throws(PluginError) { return try base.batch(step: step, batch: batch, length: length) } catch {
      guard mutation == .swallowsDataErrors, error.code == .inputOutput else { throw error }
      return Array(repeating: 1, count: batch * length)
    }
  }
  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] { try base.sequence(index, length: length) }
}

private final class WrongObserver: TrainingObserver {
  let base: any TrainingObserver, mutation: TrainerMutation
  private let events = Atomic(0), checkpoints = Atomic(0)
  init(base: any TrainingObserver, mutation: TrainerMutation) { (self.base, self.mutation) = (base, mutation) }

  func report(_ event: TrainingEvent) {
    var event = event
    // Past the steps at which a check gives up.
    if mutation == .goesBackwards, event.step == event.steps - 1 { event.step = 1 }
    if mutation == .saysNothing { event.loss = nil }
    base.report(event)
  }

  func checkpoint(_ state: [UInt8]) throws(PluginError) {
    let number = checkpoints.add(1, ordering: .relaxed).newValue
    // The only one of its run is that of a cancelled training.
    if mutation == .keepsNoCheckpoint, number == 1, Task.isCancelled { return }
    do throws(PluginError) { try base.checkpoint(state) } catch { if mutation != .swallowsCheckpointErrors { throw error } }
  }
}
