internal import CModelKernels

/// A pass over a batch, shard by shard. Threads take shards, and write to places of their own.
final class PassJob: @unchecked Sendable {
  private let engine: TrainingEngine
  private let batch: TrainingEngine.Batch
  private let gradients: Bool
  private let clipNorm: Double?
  private let passIndex: UInt64
  /// One a row, 0 where it does not count.
  let losses: UnsafeMutableBufferPointer<Double>
  /// One an example, where they are clipped.
  let norms: UnsafeMutableBufferPointer<Double>
  private let failures: UnsafeMutableBufferPointer<Bool>
  private var inputs: UnsafePointer<Int32>?
  private var targets: UnsafePointer<Int32>?
  private var scales: UnsafePointer<Float>?

  init(_ engine: TrainingEngine, _ batch: TrainingEngine.Batch, gradients: Bool, clipNorm: Double?) {
    (self.engine, self.batch, self.gradients, self.clipNorm, passIndex) = (engine, batch, gradients, clipNorm, engine.passIndex)
    losses = .allocate(capacity: batch.examples * batch.length)
    losses.initialize(repeating: 0)
    norms = .allocate(capacity: batch.examples)
    norms.initialize(repeating: 0)
    failures = .allocate(capacity: engine.shards)
    failures.initialize(repeating: false)
  }

  deinit {
    losses.deallocate()
    norms.deallocate()
    failures.deallocate()
  }

  var hadMemory: Bool { !failures.contains(true) }

  func start(_ inputs: UnsafePointer<Int32>, _ targets: UnsafePointer<Int32>, _ scales: UnsafePointer<Float>) {
    (self.inputs, self.targets, self.scales) = (inputs, targets, scales)
  }

  func run(_ thread: Int, of threads: Int) {
    for shard in stride(from: thread, to: engine.shards, by: threads) {
      let (first, end) = (batch.examples * shard / engine.shards, batch.examples * (shard + 1) / engine.shards)
      guard first < end else { continue }
      let worker = engine.workers[thread]
      let sum = !gradients ? nil : shard == 0 ? engine.bound.storage.gradients.base : engine.shardGradients[shard - 1].base
      if let clipNorm, let sum {
        for example in first..<end where !clip(example, worker, engine.exampleGradients[thread].base, sum, clipNorm) { failures[shard] = true }
      } else if !run(first, end, worker, sum) {
        failures[shard] = true
      }
    }
  }

  private func run(_ first: Int, _ end: Int, _ worker: TrainingWorker, _ sum: UnsafeMutablePointer<Float>?) -> Bool {
    guard let inputs, let targets, let scales, let found = losses.baseAddress else { return false }
    let row = first * batch.length
    let slice = TrainingWorker.Slice(
      inputs: inputs + row, targets: targets + row, examples: end - first, length: batch.length, firstExample: first, pass: passIndex, scales: scales + row)
    return worker.run(slice, losses: found + row, gradients: sum)
  }

  private func clip(_ example: Int, _ worker: TrainingWorker, _ own: UnsafeMutablePointer<Float>, _ sum: UnsafeMutablePointer<Float>, _ limit: Double) -> Bool {
    let count = engine.bound.storage.count
    own.update(repeating: 0, count: count)
    guard run(example, example + 1, worker, own) else { return false }
    let norm = engine.norm(own, worker.context)
    norms[example] = norm
    mt_add_scaled(worker.context, sum, norm > limit ? Float(limit / norm) : 1, own, count)
    return true
  }
}
