/// A matrix of float64 in row-major order.
public struct Matrix: Sendable, Equatable {
  public let rows: Int
  public let columns: Int
  public var elements: [Double]

  public init(rows: Int, columns: Int, elements: [Double]) {
    precondition(elements.count == rows * columns, "\(elements.count) elements do not make \(rows) × \(columns)")
    (self.rows, self.columns, self.elements) = (rows, columns, elements)
  }

  public init(zeros rows: Int, _ columns: Int) { self.init(rows: rows, columns: columns, elements: Array(repeating: 0, count: rows * columns)) }

  public init(rows: Int, columns: Int, floats: UnsafePointer<Float>) {
    let count = rows * columns
    self.init(
      rows: rows, columns: columns,
      elements: [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
        var index = 0
        while index < count {
          buffer.initializeElement(at: index, to: Double(floats[index]))
          index += 1
        }
        initialized = count
      })
  }

  /// Matrices of the same width below each other, each times its factor.
  public init(stacking parts: [(factor: Double, matrix: Matrix)]) {
    let width = parts.first?.matrix.columns ?? 0
    var all: [Double] = []
    all.reserveCapacity(parts.reduce(0) { $0 + $1.matrix.elements.count })
    for part in parts {
      precondition(part.matrix.columns == width, "stacked matrices have the same width")
      all.append(contentsOf: part.factor == 1 ? part.matrix.elements : part.matrix.elements.map { $0 * part.factor })
    }
    self.init(rows: width == 0 ? parts.reduce(0) { $0 + $1.matrix.rows } : all.count / width, columns: width, elements: all)
  }

  @inlinable public subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  public var floats: [Float] { elements.map(Float.init) }

  public func transposed() -> Matrix {
    let (rows, columns) = (rows, columns)
    let result = elements.withUnsafeBufferPointer { source in
      [Double](unsafeUninitializedCapacity: source.count) { target, count in
        var row = 0
        while row < rows {
          var column = 0
          while column < columns {
            target.initializeElement(at: column * rows + row, to: source[row * columns + column])
            column += 1
          }
          row += 1
        }
        count = source.count
      }
    }
    return Matrix(rows: columns, columns: rows, elements: result)
  }

  /// The first `count` rows.
  public func firstRows(_ count: Int) -> Matrix { Matrix(rows: count, columns: columns, elements: Array(elements.prefix(count * columns))) }

  /// The first `count` columns.
  public func firstColumns(_ count: Int) -> Matrix {
    guard count < columns else { return self }
    var kept: [Double] = []
    kept.reserveCapacity(rows * count)
    for row in 0..<rows { kept.append(contentsOf: elements[(row * columns)..<(row * columns + count)]) }
    return Matrix(rows: rows, columns: count, elements: kept)
  }

  /// Each row times its factor.
  public func scalingRows(_ factors: some Collection<Double>) -> Matrix {
    precondition(factors.count == rows, "one factor a row")
    var result = self
    for (row, factor) in factors.enumerated() {
      for index in (row * columns)..<((row + 1) * columns) { result.elements[index] *= factor }
    }
    return result
  }

  /// Throws unless every element is finite, which LAPACK takes for granted.
  func requireFinite() throws(LinearAlgebraError) {
    // A sum of x·0 is 0 unless some x is NaN or infinite.
    let probe = elements.withUnsafeBufferPointer { buffer in
      var (sum, index) = (0.0, 0)
      while index < buffer.count {
        sum += buffer[index] * 0
        index += 1
      }
      return sum
    }
    guard probe == 0 else {
      throw LinearAlgebraError(.notFinite, "a \(rows) × \(columns) matrix holds NaN or infinity, so it has no decomposition")
    }
  }
}
