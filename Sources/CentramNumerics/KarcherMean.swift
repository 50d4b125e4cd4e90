internal import Foundation

/// Means of directions, found in coordinates: a vector is given by its coefficients over the inputs.
public enum KarcherMean {
  /// The mean of the inputs' directions on the unit sphere with equal weights, times the mean of all norms: the point
  /// where the tangents to the inputs cancel, by gradient descent (Karcher 1977).
  ///
  /// - Parameters:
  ///   - gram: dot products of the inputs.
  ///   - tolerance: inputs no longer than it have no direction and are left out; the tangent's length to stop at.
  /// - Returns: the mean's coefficients over the inputs.
  public static func coefficients(_ gram: Gram, maximumIterations: Int, tolerance: Double) -> [Double] {
    let size = gram.size
    let norms = (0..<size).map { gram.norm($0) }
    let used = (0..<size).filter { norms[$0] > tolerance }
    guard let first = used.first else { return Array(repeating: 0, count: size) }
    let share = 1 / Double(used.count)
    /// Coefficients of the unit vectors are kept as coefficients over the inputs.
    func unit(_ index: Int) -> Double { 1 / norms[index] }

    var mean = Array(repeating: 0.0, count: size)
    for index in used { mean[index] = share * unit(index) }
    let length = gram.norm(mean)
    if length < tolerance {
      mean = Array(repeating: 0, count: size)
      mean[first] = unit(first)
    } else {
      mean = mean.map { $0 / length }
    }
    for _ in 0..<maximumIterations {
      var tangent = Array(repeating: 0.0, count: size)
      var onMean = 0.0
      for index in used {
        var cosine = 0.0
        for other in used { cosine += mean[other] * gram[index, other] * unit(index) }
        cosine = min(1, max(-1, cosine))
        let angle = acos(cosine)
        guard angle >= tolerance else { continue }
        let factor = share * angle / sin(angle)
        tangent[index] += factor * unit(index)
        onMean += factor * cosine
      }
      for index in 0..<size { tangent[index] -= onMean * mean[index] }
      let step = gram.norm(tangent)
      guard step >= tolerance else { break }
      for index in 0..<size { mean[index] = cos(step) * mean[index] + sin(step) * tangent[index] / step }
      let length = gram.norm(mean)
      if length > tolerance { mean = mean.map { $0 / length } }
    }
    let scale = norms.reduce(0, +) / Double(size)
    return mean.map { $0 * scale }
  }
}
