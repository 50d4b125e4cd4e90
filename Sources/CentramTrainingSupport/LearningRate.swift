/// A learning rate over the steps: a straight warm-up, then a schedule.
public struct LearningRate: Sendable, Equatable {
  public enum Schedule: String, Sendable, CaseIterable {
    case constant
    /// Straight down to `minimum`, which the step after the last would have.
    case linear
    /// Half a cosine down to the same.
    case cosine
  }

  public var peak: Double
  /// Steps until the peak: step t of w has peak · t / w.
  public var warmUp: Int
  public var schedule: Schedule
  public var minimum: Double
  /// All steps, warm-up included.
  public var steps: Int

  public init(peak: Double, warmUp: Int = 0, schedule: Schedule = .cosine, minimum: Double = 0, steps: Int) {
    (self.peak, self.warmUp, self.schedule, self.minimum, self.steps) = (peak, warmUp, schedule, minimum, steps)
  }

  /// - Parameter step: from 1.
  public func callAsFunction(_ step: Int) -> Double {
    if step <= warmUp { return peak * Double(step) / Double(warmUp) }
    let share = min(1, Double(step - warmUp - 1) / Double(max(1, steps - warmUp)))
    switch schedule {
    case .constant: return peak
    case .linear: return peak + (minimum - peak) * share
    case .cosine: return minimum + (peak - minimum) * (1 + Self.cosine(.pi * share)) / 2
    }
  }

  /// Cosine of [0, π] from IEEE operations only: Taylor's series about the middle, cos x = −sin(x − π/2).
  static func cosine(_ x: Double) -> Double {
    let y = x - .pi / 2, square = y * y
    var sum = 1.0, k = 25.0
    while k >= 3 {
      sum = 1 - square / (k * (k - 1)) * sum
      k -= 2
    }
    return -(y * sum)
  }
}
