public import CentramPluginAPI
internal import CModelKernels

/// Operations on the gradients of all trained tensors together.
public enum Gradients {
  public static func zero(_ tensors: [TrainableTensor]) {
    for tensor in tensors { tensor.gradient.update(repeating: 0) }
  }

  public static func scale(_ tensors: [TrainableTensor], by factor: Double) {
    guard factor != 1 else { return }
    for tensor in tensors { if let start = tensor.gradient.baseAddress { centram_scale(start, Float(factor), tensor.gradient.count) } }
  }

  /// The Euclidean norm over all tensors.
  public static func norm(_ tensors: [TrainableTensor]) -> Double {
    var sum = 0.0
    for tensor in tensors { if let start = tensor.gradient.baseAddress { sum += centram_sum_of_squares(start, tensor.gradient.count) } }
    return sum.squareRoot()
  }

  /// Scales all gradients down where their norm together is above `limit`; the factor is PyTorch's, limit / (norm + 10⁻⁶).
  /// - Returns: the norm before.
  @discardableResult public static func clip(_ tensors: [TrainableTensor], to limit: Double) -> Double {
    let norm = norm(tensors)
    let factor = limit / (norm + 1e-6)
    if factor < 1 { scale(tensors, by: factor) }
    return norm
  }
}
