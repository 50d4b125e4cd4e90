public import CentramPluginAPI

extension ModuleUpdate {
  /// Some rows of ΔW, row by row.
  public func rows(_ range: Range<Int>) -> [Double] {
    var result = [Double](repeating: 0, count: range.count * inputs)
    let (rank, inputs, scale) = (factors.rank, inputs, scale)
    factors.a.withUnsafeBufferPointer { a in
      factors.b.withUnsafeBufferPointer { b in
        result.withUnsafeMutableBufferPointer { result in
          for row in range {
            for k in 0..<rank {
              let weight = scale * Double(b[row * rank + k])
              guard weight != 0 else { continue }
              var column = 0
              let target = (row - range.lowerBound) * inputs
              while column < inputs {
                result[target + column] += weight * Double(a[k * inputs + column])
                column += 1
              }
            }
          }
        }
      }
    }
    return result
  }
}
