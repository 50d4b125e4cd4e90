internal import CentramLinearAlgebra
public import CentramPluginAPI

/// Inner products of updates, ⟨ΔWᵢ, ΔWⱼ⟩ summed over modules: all that distances and angles between them, and between their weighted sums,
/// depend on. For factors it is sᵢ sⱼ Σ (Bᵢᵀ·Bⱼ) ∘ (Aᵢ·Aⱼᵀ), so one module of each update is in memory at a time.
public struct UpdateProducts: Sendable, Equatable {
  public let count: Int
  private var values: [Double]

  public init(count: Int) { (self.count, values) = (count, Array(repeating: 0, count: count * count)) }

  /// From products that are known.
  public init(_ rows: [[Double]]) {
    self.init(count: rows.count)
    for (i, row) in rows.enumerated() { for (j, value) in row.enumerated() { values[i * count + j] = value } }
  }

  /// Adds one module.
  /// - Parameters:
  ///   - updates: one an update, nil where it leaves the module as it is.
  ///   - maximumRank: of all together, up to which the factors are multiplied; beyond it, as with full deltas, ΔW is written out a few rows at a time.
  /// - Throws: `.shapeMismatch` where two change matrices of different shapes, `.invalid` where a product is not finite.
  public mutating func add(_ updates: [ModuleUpdate?], maximumRank: Int = 2048) throws(PluginError) {
    precondition(updates.count == count, "one module an update")
    let present = updates.indices.filter { updates[$0] != nil }
    guard let first = present.first, let shape = updates[first] else { return }
    for index in present {
      guard let it = updates[index], it.outputs == shape.outputs, it.inputs == shape.inputs else {
        throw PluginError(
          .shapeMismatch, "\(shape.module) is \(shape.outputs) × \(shape.inputs) in one update and \(updates[index]?.outputs ?? 0) × \(updates[index]?.inputs ?? 0) in another")
      }
    }
    let parts = present.map { updates[$0]! }
    let products = parts.reduce(0) { $0 + $1.factors.rank } <= maximumRank ? Self.ofFactors(parts) : Self.ofRows(parts)
    for (x, i) in present.enumerated() {
      for (y, j) in present.enumerated() where y >= x {
        let product = products[x, y]
        guard product.isFinite else { throw PluginError(.invalid, "\(shape.module): the product of two updates is \(product)") }
        values[i * count + j] += product
        if i != j { values[j * count + i] += product }
      }
    }
  }

  /// The upper half of all products, sᵢ sⱼ Σ (Bᵢᵀ·Bⱼ) ∘ (Aᵢ·Aⱼᵀ).
  private static func ofFactors(_ parts: [ModuleUpdate]) -> Matrix {
    let a = Matrix(stacking: parts.map { part in (1, part.factors.a.withUnsafeBufferPointer { Matrix(rows: part.factors.rank, columns: part.inputs, buffer: $0) }) }).gram()
    let bt = Matrix(
      stacking: parts.map { part in (1, part.factors.b.withUnsafeBufferPointer { Matrix(rows: part.outputs, columns: part.factors.rank, buffer: $0) }.transposed()) }
    ).gram()
    var result = Matrix(zeros: parts.count, parts.count)
    var starts = [0]
    for part in parts { starts.append(starts.last! + part.factors.rank) }
    for x in parts.indices {
      for y in x..<parts.count {
        var sum = 0.0
        for row in starts[x]..<starts[x + 1] {
          for column in starts[y]..<starts[y + 1] { sum += a[row, column] * bt[row, column] }
        }
        result[x, y] = sum * parts[x].scale * parts[y].scale
      }
    }
    return result
  }

  /// The same from ΔW written out, about 8 MiB at a time.
  private static func ofRows(_ parts: [ModuleUpdate]) -> Matrix {
    var result = Matrix(zeros: parts.count, parts.count)
    let (outputs, inputs) = (parts[0].outputs, parts[0].inputs)
    let rows = max(1, (1 << 20) / max(1, inputs * parts.count))
    for start in stride(from: 0, to: outputs, by: rows) {
      let range = start..<min(start + rows, outputs)
      let products = Matrix(rows: parts.count, columns: range.count * inputs, elements: parts.flatMap { $0.rows(range) }).gram()
      for index in result.elements.indices { result.elements[index] += products.elements[index] }
    }
    return result
  }

  public subscript(i: Int, j: Int) -> Double { values[i * count + j] }
  public func norm(_ i: Int) -> Double { max(0, self[i, i]).squareRoot() }

  /// The cosine of the angle between two; 0 where one is 0.
  public func cosine(_ i: Int, _ j: Int) -> Double {
    let size = norm(i) * norm(j)
    return size > 0 ? self[i, j] / size : 0
  }

  /// ⟨Σ xᵢ ΔWᵢ, Σ yⱼ ΔWⱼ⟩.
  public func product(_ x: [Double], _ y: [Double]) -> Double {
    var sum = 0.0
    for i in 0..<count where x[i] != 0 { for j in 0..<count where y[j] != 0 { sum += x[i] * y[j] * self[i, j] } }
    return sum
  }

  public func squaredDistance(_ x: [Double], _ y: [Double]) -> Double {
    let difference = zip(x, y).map { $0 - $1 }
    return max(0, product(difference, difference))
  }
}
