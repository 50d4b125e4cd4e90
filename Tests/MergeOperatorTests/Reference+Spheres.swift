import Foundation

/// The methods that go along arcs.
extension Reference {
  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
  private func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
  private func plus(_ a: Double, _ x: [Double], _ b: Double, _ y: [Double]) -> [Double] { zip(x, y).map { a * $0 + b * $1 } }

  func slerp(_ t: Double, _ a: [Double], _ x: [Double]) -> [Double] {
    let (na, nx) = (norm(a), norm(x))
    let cosine = min(1, max(-1, dot(a, x) / ((na > 1e-8 ? na : 1) * (nx > 1e-8 ? nx : 1))))
    if abs(cosine) > 0.9995 { return plus(1 - t, a, t, x) }
    let angle = acos(cosine)
    return plus(sin((1 - t) * angle) / sin(angle), a, sin(t * angle) / sin(angle), x)
  }

  func nuslerp() -> [Double] {
    let weights = each("weight"), sum = weights[0] + weights[1]
    let t = abs(sum) < 1e-6 ? 0.5 : weights[1] / sum
    let pair = base == nil ? others.map { inputs[$0] } : deltas
    func arc(_ a: [Double], _ x: [Double]) -> [Double] {
      let cosine = min(1, max(-1, dot(a, x) / (max(norm(a), 1e-7) * max(norm(x), 1e-7))))
      if 1 - cosine * cosine <= 1e-16 { return plus(1 - t, a, t, x) }
      let angle = acos(cosine)
      return plus(sin((1 - t) * angle) / sin(angle), a, sin(t * angle) / sin(angle), x)
    }
    // The vectors, as lists of element indices.
    var vectors = [Array(0..<count)]
    if !flag("nuslerp_flatten"), shape.count > 1 {
      let slice = shape.dropFirst().reduce(1, *)
      vectors =
        flag("nuslerp_row_wise")
        ? (0..<slice).map { Array(stride(from: $0, to: count, by: slice)) }
        : stride(from: 0, to: count, by: row).map { Array($0..<($0 + row)) }
    }
    var result = pair[0]
    for indices in vectors {
      for (index, value) in zip(indices, arc(indices.map { pair[0][$0] }, indices.map { pair[1][$0] })) { result[index] = value }
    }
    return base == nil ? result : plus(1, b, 1, result)
  }

  func multislerp() -> [Double] {
    if others.count == 1 { return inputs[others[0]] }
    let vectors = base == nil ? others.map { inputs[$0] } : deltas, eps = shared("eps")
    var weights = each("weight")
    if flag("normalize_weights") { weights = weights.map { [sum = weights.reduce(0, +)] in $0 / sum } }
    let norms = vectors.map(norm), units = zip(vectors, norms).map { vector, norm in vector.map { $0 / (norm + eps) } }
    func weighted(_ vectors: [[Double]]) -> [Double] { (0..<count).map { i in vectors.indices.reduce(0) { $0 + weights[$1] * vectors[$1][i] } } }
    var mean = weighted(units)
    let length = norm(mean)
    var result: [Double]
    if length < eps {
      result = weighted(vectors)
    } else {
      mean = mean.map { $0 / length }
      let tangent = weighted(units.map { plus(1, $0, -dot($0, mean), mean) }), z = norm(tangent) + eps
      let scale = zip(weights, norms).reduce(0) { $0 + $1.0 * $1.1 }
      result = plus(scale * cos(z), mean, scale * sin(z) / z, tangent)
    }
    return base == nil ? result : plus(1, b, 1, result)
  }

  func karcher() -> [Double] {
    let tol = shared("tol"), norms = inputs.map(norm)
    let units = zip(inputs, norms).filter { $0.1 > tol }.map { vector, norm in vector.map { $0 / norm } }
    guard let first = units.first else { return inputs[0].map { _ in 0 } }
    let share = 1 / Double(units.count)
    var mean = (0..<count).map { i in units.reduce(0) { $0 + share * $1[i] } }
    let length = norm(mean)
    mean = length < tol ? first : mean.map { $0 / length }
    for _ in 0..<Int(shared("max_iter")) {
      var tangent = mean.map { _ in 0.0 }
      for unit in units {
        let cosine = min(1, max(-1, dot(mean, unit))), angle = acos(cosine)
        if angle < tol { continue }
        tangent = plus(1, tangent, share * angle / sin(angle), plus(1, unit, -cosine, mean))
      }
      let step = norm(tangent)
      if step < tol { break }
      mean = plus(cos(step), mean, sin(step) / step, tangent)
      let length = norm(mean)
      mean = mean.map { $0 / length }
    }
    return mean.map { $0 * norms.reduce(0, +) / Double(norms.count) }
  }

  func modelStock() -> [Double] {
    let deltas = deltas, n = Double(deltas.count)
    let rows = flag("filter_wise") && shape.count > 1 ? stride(from: 0, to: count, by: row).map { $0..<($0 + row) } : [0..<count]
    var result = b
    for range in rows {
      var cosines: [Double] = []
      for i in deltas.indices {
        for j in deltas.indices where j > i {
          let (x, y) = (Array(deltas[i][range]), Array(deltas[j][range])), norms = norm(x) * norm(y)
          cosines.append(norms > 0 ? min(1, max(-1, dot(x, y) / norms)) : 0)
        }
      }
      let cosine = cosines.reduce(0, +) / Double(cosines.count), denominator = 1 + (n - 1) * cosine
      let t = abs(denominator) < 1e-6 ? 0 : n * cosine / denominator
      for i in range { result[i] = b[i] + t * deltas.reduce(0) { $0 + $1[i] } / n }
    }
    return result
  }
}
