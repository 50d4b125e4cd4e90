import CentramHost
import CentramPluginAPI
import Synchronization
import Testing

/// Two weights with the loss ½·|w|², so that a gradient step of 0.5 halves them.
final class Bowl: TrainableModel, @unchecked Sendable {
  let weights = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2), gradient = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
  let adapter = Mutex<String?>(nil)
  let seen = Mutex<[[Int32]]>([])

  init() {
    weights.initialize(repeating: 8)
    gradient.initialize(repeating: 0)
  }
  deinit {
    weights.deallocate()
    gradient.deallocate()
  }

  var tensors: [TrainableTensor] {
    adapter.withLock { $0 } == nil ? [] : [TrainableTensor(name: "w", shape: [1, 2], values: weights, gradient: gradient)]
  }
  func attachAdapter(configurationJSON: String, seed: UInt64) throws(PluginError) {
    guard seed != 13 else { throw PluginError(.limitExceeded, "seed 13 brings bad luck") }
    adapter.withLock { $0 = configurationJSON }
  }
  func accumulate(tokens: [Int32], batch: Int, length: Int, clipNorm: Double?) async throws(PluginError) -> (loss: Double, norms: [Double]) {
    await Task.yield()
    seen.withLock { $0.append(tokens) }
    for index in weights.indices { gradient[index] += weights[index] }
    return (weights.reduce(0) { $0 + 0.5 * Double($1 * $1) }, [1, clipNorm ?? -1])
  }
  func loss(tokens: [Int32], batch: Int, length: Int) async throws(PluginError) -> Double { 0 }
}

struct Counting: TokenStream {
  var isShort = false
  var count: Int { 100 }
  func batch(step: Int, batch: Int, length: Int) throws(PluginError) -> [Int32] {
    (0..<(batch * length - (isShort ? 1 : 0))).map { Int32(step * 100 + $0) }
  }
  func sequence(_ index: Int, length: Int) throws(PluginError) -> [Int32] { [] }
}

final class Watching: TrainingObserver {
  let events = Mutex<[TrainingEvent]>([]), states = Mutex<[[UInt8]]>([])
  let onEvent: @Sendable () -> Void
  init(_ onEvent: @escaping @Sendable () -> Void = {}) { self.onEvent = onEvent }
  func report(_ event: TrainingEvent) {
    events.withLock { $0.append(event) }
    onEvent()
  }
  func checkpoint(_ state: [UInt8]) throws(PluginError) { states.withLock { $0.append(state) } }
}

@Suite struct CTrainerTests {
  private static let host = Result { try Workshop.host(fixture: "trainer", id: "test.trainer.descent", kind: .trainer) }
  private func train(
    _ settings: String, _ model: Bowl, _ observer: Watching = Watching(), seed: UInt64 = 1, resume: [UInt8]? = nil, data: Counting = Counting()
  ) async throws -> TrainingResult {
    try await Self.host.get().trainer("descent").train(
      TrainingRequest(model: model, data: data, settingsJSON: settings, seed: seed, resumeState: resume, observer: observer))
  }

  @Test func trainsThroughTheModelsAsynchronousFunctions() async throws {
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
    let model = Bowl(), running = Mutex<Task<TrainingResult, any Error>?>(nil)
    let holder = Holder(running)
    let observer = Watching { holder.task.withLock { $0?.cancel() } }
    // The lock is held until the task is known, so the first event finds it.
    let task = holder.task.withLock { slot in
      let task = Task { try await train("1000000", model, observer) }
      slot = task
      return task
    }
    let error = await #expect(throws: PluginError.self) { _ = try await task.value }
    #expect(error?.code == .cancelled && observer.states.withLock { $0.count } == 1)
  }
  private final class Holder: Sendable {
    let task: Mutex<Task<TrainingResult, any Error>?>
    init(_ task: consuming Mutex<Task<TrainingResult, any Error>?>) { self.task = task }
  }

  @Test func keepsTheModelsOwnSentence() async throws {
    let error = try await #require(throws: PluginError.self) { _ = try await train("3", Bowl(), seed: 13) }
    #expect(error == PluginError(.limitExceeded, "seed 13 brings bad luck"))
  }

  @Test func refusesABatchThatIsTooShort() async throws {
    let error = try await #require(throws: PluginError.self) { _ = try await train("3", Bowl(), data: Counting(isShort: true)) }
    #expect(error.message == "the data gave 5 tokens for 2 × 3")
  }

  @Test func refusesATrainerThatGivesNoResult() async throws {
    let error = try await #require(throws: PluginError.self) { _ = try await train("1 silent", Bowl()) }
    #expect(error.message == "the trainer ended without a result")
  }
}
