internal import CModelKernels

/// Takes examples forward and backward, with buffers of its own. Used by one thread at a time; its kernels may use a pool.
final class TrainingWorker: @unchecked Sendable {
  /// Consecutive examples of a batch. Pointers are valid during a pass.
  struct Slice {
    let inputs: UnsafePointer<Int32>
    let targets: UnsafePointer<Int32>
    let examples: Int
    let length: Int
    /// Its first example's number in the batch, and the pass's number: dropout depends on them.
    let firstExample: Int
    let pass: UInt64
    /// What the gradient of each row's loss is multiplied by.
    let scales: UnsafePointer<Float>
    var rows: Int { examples * length }
    var firstRow: Int { firstExample * length }
  }

  let model: TrainingModel
  let context: OpaquePointer
  let activationBudget: Int
  let rotary: RotaryTable?
  var buffers: TrainingBuffers?

  /// Nil where memory is short.
  init?(_ model: TrainingModel, pool: OpaquePointer?, activationBudget: Int) {
    guard let context = mt_context_create(pool) else { return nil }
    (self.model, self.context, self.activationBudget) = (model, context, activationBudget)
    rotary = model.configuration.rope.map { RotaryTable(RotaryFrequencies($0, headSize: model.configuration.headSize)) }
  }

  deinit { mt_context_destroy(context) }

  var configuration: ModelConfiguration { model.configuration }

  /// Losses of the slice's rows, those that do not count are 0.
  /// - Parameter gradients: where to add the gradients; nil for losses alone, without dropout.
  /// - Returns: false where memory is short.
  func run(_ slice: Slice, losses: UnsafeMutablePointer<Double>, gradients: UnsafeMutablePointer<Float>?) -> Bool {
    let buffers = reserve(rows: slice.rows, keeping: gradients != nil)
    rotary?.reserve(slice.length)
    guard forward(slice, buffers, drops: gradients != nil) else { return false }
    headLosses(slice, buffers, losses: losses, gradients: gradients)
    guard let gradients else { return true }
    return backward(slice, buffers, gradients)
  }

  private func reserve(rows: Int, keeping: Bool) -> TrainingBuffers {
    if let buffers, buffers.rows >= rows, buffers.keeps || !keeping { return buffers }
    buffers = nil  // frees the old ones first
    let made = TrainingBuffers(model, rows: rows, keeps: keeping, activationBudget: activationBudget)
    buffers = made
    return made
  }
}
