internal import CModelKernels

extension TrainingEngine {
  /// Adds the gradients of the batch's loss, summed over its counted targets, to those of `tensors`.
  ///
  /// With `clipNorm` the gradient of each example (of its loss, averaged over the example's own counted targets) is scaled down to this norm
  /// where it is above it, and the sum of these is added. Abadi et al., 2016, https://arxiv.org/abs/1607.00133
  /// - Parameters:
  ///   - inputs: `batch` rows of `length` tokens.
  ///   - targets: what should follow each; `ignored` for what does not count.
  /// - Throws: `.invalidArgument`, nothing changed; `.notFinite`, after which `zeroGradients` is due.
  public func accumulate(inputs: [Int32], targets: [Int32], batch: Int, length: Int, clipNorm: Double? = nil) throws(TrainingError) -> TrainingPass {
    try check(inputs: inputs, targets: targets, batch: batch, length: length)
    if let clipNorm {
      guard clipNorm > 0, clipNorm.isFinite else { throw TrainingError(.invalidArgument, "the clipping norm is \(clipNorm); a positive number is needed") }
    }
    passIndex &+= 1
    return try pass(Batch(inputs, targets, batch, length, perExample: clipNorm != nil), gradients: true, clipNorm: clipNorm)
  }

  /// The loss alone, without dropout.
  public func loss(inputs: [Int32], targets: [Int32], batch: Int, length: Int) throws(TrainingError) -> TrainingPass {
    try check(inputs: inputs, targets: targets, batch: batch, length: length)
    return try pass(Batch(inputs, targets, batch, length, perExample: false), gradients: false, clipNorm: nil)
  }

  struct Batch {
    let inputs: [Int32]
    let targets: [Int32]
    let examples: Int
    let length: Int
    let scales: [Float]
    let counts: [Int]

    init(_ inputs: [Int32], _ targets: [Int32], _ examples: Int, _ length: Int, perExample: Bool) {
      (self.inputs, self.targets, self.examples, self.length) = (inputs, targets, examples, length)
      let counts = (0..<examples).map { example in targets[example * length..<(example + 1) * length].count { $0 != ignored } }
      self.counts = counts
      scales = perExample ? (0..<examples * length).map { 1 / Float(max(1, counts[$0 / length])) } : [Float](repeating: 1, count: examples * length)
    }
  }

  private func pass(_ batch: Batch, gradients: Bool, clipNorm: Double?) throws(TrainingError) -> TrainingPass {
    if gradients { reserveGradients(examples: clipNorm != nil) }
    let job = PassJob(self, batch, gradients: gradients, clipNorm: clipNorm)
    batch.inputs.withUnsafeBufferPointer { inputs in
      batch.targets.withUnsafeBufferPointer { targets in
        batch.scales.withUnsafeBufferPointer { scales in
          job.start(inputs.baseAddress!, targets.baseAddress!, scales.baseAddress!)
          if runsShardsSideBySide {
            mk_pool_run(
              pool, { context, thread, threads in Unmanaged<PassJob>.fromOpaque(context!).takeUnretainedValue().run(Int(thread), of: Int(threads)) },
              Unmanaged.passUnretained(job).toOpaque())
          } else {
            job.run(0, of: 1)
          }
        }
      }
    }
    guard job.hadMemory else { throw TrainingError(.noMemory, "there is no memory for attention over \(batch.length) tokens; take shorter rows or fewer threads") }
    if gradients {
      for shard in 1..<max(shards, 1) { mt_add_scaled(context, bound.storage.gradients.base, 1, shardGradients[shard - 1].base, bound.storage.count) }
    }
    var sums: [Double] = []
    for example in 0..<batch.examples { sums.append((0..<batch.length).reduce(0) { $0 + job.losses[example * batch.length + $1] }) }
    if let bad = sums.firstIndex(where: { !$0.isFinite }) { throw TrainingError(.notFinite, "the loss of example \(bad) of \(batch.examples) is \(sums[bad])") }
    if let bad = job.norms.firstIndex(where: { !$0.isFinite }), clipNorm != nil {
      throw TrainingError(.notFinite, "the gradient of example \(bad) of \(batch.examples) has the norm \(job.norms[bad])")
    }
    return TrainingPass(
      lossSum: sums.reduce(0, +), counted: batch.counts.reduce(0, +), exampleLossSums: sums, exampleCounts: batch.counts,
      exampleNorms: clipNorm == nil ? [] : Array(job.norms))
  }

  private func reserveGradients(examples: Bool) {
    let count = bound.storage.count
    while shardGradients.count < shards - 1 { shardGradients.append(FloatBuffer(count: count)) }
    for buffer in shardGradients { buffer.base.update(repeating: 0, count: count) }
    while examples, exampleGradients.count < workers.count { exampleGradients.append(FloatBuffer(count: count)) }
  }
}
