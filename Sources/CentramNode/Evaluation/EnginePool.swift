internal import CentramModel
internal import Dispatch
internal import Synchronization

/// Engines of one thread each, on queues of their own, so that long runs hold up no task. Two requests at once wait for each other.
final class EnginePool: Sendable {
  private let workers: [Worker]
  private let count = Mutex(0)

  /// - Parameter workers: at least 1; results do not depend on it.
  init(workers: Int) { self.workers = (0..<max(1, workers)).map { Worker($0) } }

  /// Sequences that a model was run on, ever.
  var forwardPasses: Int { count.withLock { $0 } }

  /// One queue and the engines that only it uses, of the last models.
  private final class Worker: @unchecked Sendable {
    static let keptEngines = 3
    let queue: DispatchQueue
    private var engines: [Engine] = []

    init(_ number: Int) { queue = DispatchQueue(label: "centram.evaluation.\(number)", qos: .utility) }

    func engine(_ model: LanguageModel) throws -> Engine {
      if let place = engines.firstIndex(where: { $0.model === model }) {
        let engine = engines.remove(at: place)
        engines.append(engine)
        return engine
      }
      let engine = try Engine(model: model, threads: 1)
      engines.append(engine)
      if engines.count > Self.keptEngines { engines.removeFirst() }
      return engine
    }
  }

  private final class Flag: Sendable { let value = Atomic(false) }

  /// Results in the order of the items.
  /// - Parameter passes: what each item counts for.
  func map<Item: Sendable, Value: Sendable>(
    _ items: [Item], model: LanguageModel, passes: Int = 1, _ work: @escaping @Sendable (Engine, Item) throws -> Value
  ) async throws -> [Value] {
    count.withLock { $0 += items.count * passes }
    let isCancelled = Flag(), workers = workers
    return try await withTaskCancellationHandler {
      try await withThrowingTaskGroup(of: [(Int, Value)].self) { group in
        for (number, worker) in workers.enumerated() where number < items.count {
          group.addTask {
            try await withCheckedThrowingContinuation { continuation in
              worker.queue.async {
                continuation.resume(
                  with: Result {
                    let engine = try worker.engine(model)
                    return try stride(from: number, to: items.count, by: workers.count).map { place in
                      if isCancelled.value.load(ordering: .relaxed) { throw CancellationError() }
                      return (place, try work(engine, items[place]))
                    }
                  })
              }
            }
          }
        }
        var results = [Value?](repeating: nil, count: items.count)
        for try await part in group { for (place, value) in part { results[place] = value } }
        return results.map { $0! }
      }
    } onCancel: {
      isCancelled.value.store(true, ordering: .relaxed)
    }
  }
}
