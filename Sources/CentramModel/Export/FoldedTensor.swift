internal import CModelKernels

/// A tensor of the base with what adapters change folded in, in float32, a few rows at a time.
struct FoldedTensor: Sendable {
  enum Base: Sendable {
    case matrix(WeightMatrix)
    /// A vector, or a tensor that an adapter saved whole.
    case values([Float])
  }

  /// What one adapter adds to each row: scale · Σ coefficient(row, r) · direction(r).
  struct Change: Sendable {
    let rank: Int
    let scale: Float
    /// rows × rank.
    let coefficients: [Float]
    /// rank × columns.
    let directions: [Float]
    /// DoRA's lengths of the rows of the sum; nil for a plain adapter.
    let magnitudes: [Float]?
  }

  let name: String
  /// As in the checkpoint, outermost first.
  let shape: [Int]
  let base: Base
  let changes: [Change]

  /// A vector is one row.
  var rows: Int { shape.count == 2 ? shape[0] : 1 }
  var columns: Int { shape[shape.count - 1] }
  var count: Int { rows * columns }

  /// The base's own bytes, where nothing changes them.
  var untouched: WeightMatrix? {
    guard changes.isEmpty, case .matrix(let matrix) = base else { return nil }
    return matrix
  }

  func floats(rows range: Range<Int>) -> [Float] {
    var values: [Float] =
      switch base {
      case .matrix(let matrix): matrix.floats(rows: range)
      case .values(let floats): Array(floats[(range.lowerBound * columns)..<(range.upperBound * columns)])
      }
    guard !changes.isEmpty else { return values }
    let columns = columns
    var delta = [Float](repeating: 0, count: columns)
    values.withUnsafeMutableBufferPointer { values in
      for (index, row) in range.enumerated() {
        let target = values.baseAddress! + index * columns
        for change in changes { change.add(to: target, row: row, columns: columns, scratch: &delta) }
      }
    }
    return values
  }
}

extension FoldedTensor.Change {
  fileprivate func add(to row: UnsafeMutablePointer<Float>, row number: Int, columns: Int, scratch: inout [Float]) {
    scratch.withUnsafeMutableBufferPointer { delta in
      delta.update(repeating: 0)
      directions.withUnsafeBufferPointer { directions in
        for r in 0..<rank { mk_add_scaled(delta.baseAddress!, coefficients[number * rank + r], directions.baseAddress! + r * columns, columns) }
      }
      mk_add_scaled(row, scale, delta.baseAddress!, columns)
    }
    guard let magnitudes else { return }
    var sum = 0.0
    for column in 0..<columns { sum += Double(row[column]) * Double(row[column]) }
    guard sum > 0 else { return }
    let factor = Float(Double(magnitudes[number]) / sum.squareRoot())
    for column in 0..<columns { row[column] *= factor }
  }
}
