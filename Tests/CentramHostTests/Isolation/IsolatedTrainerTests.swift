import CentramHost
import CentramPluginAPI
import Synchronization
import Testing

/// What `CTrainerTests` hold in process, in a process of the trainer's own.
@Suite struct IsolatedTrainerTests {
  private static let host = Result { try Isolated.host(fixture: "trainer", id: "test.trainer.descent", kind: .trainer) }
  private func train(
    _ settings: String, _ model: Bowl, _ observer: Watching = Watching(), seed: UInt64 = 1, resume: [UInt8]? = nil, data: Counting = Counting()
  ) async throws -> TrainingResult {
    try await Self.host.get().trainer("descent").train(
      TrainingRequest(model: model, data: data, settingsJSON: settings, seed: seed, resumeState: resume, observer: observer))
  }

  @Test func trainsTheHostsModel() async throws {
    let model = Bowl(), observer = Watching()
    let result = try await train("3 private", model, observer)
    #expect(Array(model.weights) == [1, 1] && model.adapter.withLock { $0 } == #"{"r":2}"#)
    #expect(result.metrics == ["loss": 4, "norm": 1.5] && result.privacyRecordJSON == #"{"epsilon":8}"#)
    #expect(observer.events.withLock { $0.map(\.step) } == [1, 2, 3] && observer.events.withLock { $0.compactMap(\.loss) } == [64, 16, 4])
    #expect(model.seen.withLock { $0 } == [[0, 1, 2, 3, 4, 5], [100, 101, 102, 103, 104, 105], [200, 201, 202, 203, 204, 205]])
    #expect(observer.states.withLock { $0 } == [[3, 0, 0, 0, 0, 0, 0, 0]])
  }

  @Test func goesOnFromACheckpoint() async throws {
    let model = Bowl()
    _ = try await train("3", model, resume: [2, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(model.weights) == [4, 4])
  }

  @Test func stopsWhenItsTaskIsCancelledWithACheckpointWritten() async throws {
    let task = Mutex<Task<TrainingResult, any Error>?>(nil), holder = Holder(task)
    let observer = Watching { holder.task.withLock { $0?.cancel() } }
    let running = holder.task.withLock { slot in
      let task = Task { try await train("1000000", Bowl(), observer) }
      slot = task
      return task
    }
    let error = await #expect(throws: PluginError.self) { _ = try await running.value }
    #expect(error?.code == .cancelled && observer.states.withLock { $0.count } == 1)
  }
  private final class Holder: Sendable {
    let task: Mutex<Task<TrainingResult, any Error>?>
    init(_ task: consuming Mutex<Task<TrainingResult, any Error>?>) { self.task = task }
  }

  @Test func keepsTheModelsOwnSentence() async throws {
    let error = try await #require(throws: PluginError.self) { _ = try await train("3", Bowl(), seed: 13) }
    #expect(error == PluginError(.limitExceeded, "seed 13 brings bad luck"))
    let short = try await #require(throws: PluginError.self) { _ = try await train("3", Bowl(), data: Counting(isShort: true)) }
    #expect(short.message == "the data gave 5 tokens for 2 × 3")
    let silent = try await #require(throws: PluginError.self) { _ = try await train("1 silent", Bowl()) }
    #expect(silent.message == "the trainer ended without a result")
  }
}
