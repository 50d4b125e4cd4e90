internal import Synchronization

/// DoRA's scaling: each output's weights get the trained length (Liu et al., "DoRA", arXiv 2402.09353).
final class OutputLengths: Sendable {
  private let wanted: [Float]
  /// The weight is stored inputs × outputs, so an output is a column.
  private let isColumn: Bool
  /// wanted / length, one an output; found when first needed, in one pass over the tensor.
  private let factors = Mutex<[Float]?>(nil)

  init(wanted: [Float], isColumn: Bool) { (self.wanted, self.isColumn) = (wanted, isColumn) }

  /// Scales elements [offset, offset + count).
  /// - Parameter eachRow: reads the whole tensor, a row at a time.
  func scale(
    _ floats: UnsafeMutablePointer<Float>, offset: Int, count: Int, columns: Int,
    eachRow: (_ body: (_ row: Int, _ values: UnsafePointer<Float>) -> Void) -> Void
  ) {
    // The first thread works, the others need its result and wait.
    let factors = self.factors.withLock { known in
      if let known { return known }
      let found = computed(columns: columns, eachRow)
      known = found
      return found
    }
    factors.withUnsafeBufferPointer { factors in
      var index = 0
      while index < count {
        let element = offset + index
        floats[index] *= factors[isColumn ? element % columns : element / columns]
        index += 1
      }
    }
  }

  private func computed(columns: Int, _ eachRow: (_ body: (_ row: Int, _ values: UnsafePointer<Float>) -> Void) -> Void) -> [Float] {
    var squares = [Double](repeating: 0, count: wanted.count)
    eachRow { row, values in
      squares.withUnsafeMutableBufferPointer { squares in
        var column = 0
        while column < columns {
          let value = Double(values[column])
          squares[isColumn ? column : row] += value * value
          column += 1
        }
      }
    }
    // Weights of length 0 have no direction; they stay 0.
    return zip(wanted, squares).map { $1 > 0 ? Float(Double($0) / $1.squareRoot()) : 0 }
  }
}
