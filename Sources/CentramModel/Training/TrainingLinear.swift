/// A matrix y = x · weightᵀ + bias in training. Weight and bias are trained, or frozen where the model has them, perhaps with factors beside them.
struct TrainingLinear {
  let outputs: Int
  let inputs: Int
  let format: WeightFormat
  let weight: UnsafeRawPointer
  let bias: UnsafePointer<Float>?
  /// Where the gradients of weight and bias lie in a gradient buffer; nil where they are frozen.
  let weightGradient: Int?
  let biasGradient: Int?
  let factors: LowRankFactors?

  var rowBytes: Int { format.rowSize(columns: inputs)! }
}

/// y += scale · (dropped x) · Aᵀ · Bᵀ
struct LowRankFactors {
  let rank: Int
  let scale: Float
  /// rank × inputs
  let a: UnsafeMutablePointer<Float>
  /// outputs × rank
  let b: UnsafeMutablePointer<Float>
  /// Nil where A is frozen.
  let aGradient: Int?
  let bGradient: Int
  let dropout: Dropout?
  /// Its number among the model's factors.
  let index: Int
}

struct TrainingNorm {
  let weight: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let weightGradient: Int?
  let biasGradient: Int?
}

/// A block of the model, as forward and backward pass read it.
struct TrainingBlock {
  let attentionNorm: TrainingNorm
  let feedForwardNorm: TrainingNorm
  /// One fused matrix, or query, key and value, in this order.
  let projections: [TrainingLinear]
  let output: TrainingLinear
  /// Gate and up, or up alone.
  let expansions: [TrainingLinear]
  let down: TrainingLinear

  var linears: [TrainingLinear] { projections + [output] + expansions + [down] }
}
