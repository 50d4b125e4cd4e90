public import CKernels

/// Dot products of all pairs of some vectors, summed in double precision piece by piece.
///
/// Methods on spheres (slerp, Karcher mean, model stock) only ever combine their inputs linearly, so this small matrix
/// is all that they need to know of a tensor.
public struct Gram: Sendable, Equatable {
  public let size: Int
  @usableFromInline var values: [Double]

  public init(size: Int) {
    self.size = size
    values = Array(repeating: 0, count: size * size)
  }

  /// Adds a piece of the vectors x − base, or of the vectors x themselves.
  @inlinable public mutating func add(_ x: UnsafePointer<UnsafePointer<Float>?>, base: UnsafePointer<Float>? = nil, count: Int) {
    values.withUnsafeMutableBufferPointer { ck_gram(x, base, size, $0.baseAddress, count) }
  }

  /// Adds the same matrix of another piece.
  public mutating func add(_ other: Gram) {
    for index in values.indices { values[index] += other.values[index] }
  }

  public subscript(i: Int, j: Int) -> Double { values[min(i, j) * size + max(i, j)] }

  public func norm(_ i: Int) -> Double { self[i, i].squareRoot() }

  /// The dot product of Σ aᵢ vᵢ and Σ bᵢ vᵢ.
  public func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in 0..<size { for j in 0..<size { sum += a[i] * b[j] * self[i, j] } }
    return sum
  }

  /// The length of Σ aᵢ vᵢ; NaN stays NaN.
  public func norm(_ a: [Double]) -> Double {
    let square = dot(a, a)
    return square < 0 ? 0 : square.squareRoot()
  }
}
