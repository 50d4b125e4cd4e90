/// What a pass over a batch found.
public struct TrainingPass: Sendable, Equatable {
  /// Cross entropy in nats, summed over the counted targets.
  public let lossSum: Double
  /// Targets that are not -100.
  public let counted: Int
  /// The same for each example of the batch.
  public let exampleLossSums: [Double]
  public let exampleCounts: [Int]
  /// Norms of the examples' gradients before clipping; empty where none was asked for.
  public let exampleNorms: [Double]

  /// Cross entropy in nats for each counted target; 0 where none was counted.
  public var meanLoss: Double { counted > 0 ? lossSum / Double(counted) : 0 }
}
