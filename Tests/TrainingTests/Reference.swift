import CentramModel
import Foundation

/// The loss of a model, computed plainly in double from the formulas of the papers: the judge of the engine.
struct Reference {
  let configuration: ModelConfiguration
  /// By the names of the checkpoint, and of PEFT for factors.
  var values: [String: [Double]]
  /// The scale of the factors' product; factors are used where `values` has them.
  var scale = 0.0
  /// What an input of a factor is multiplied by: for a module, row after row of the batch.
  var masks: [String: [Double]] = [:]

  init(_ model: SmallModel) { (configuration, values) = (model.configuration, model.values.mapValues { $0.map(Double.init) }) }

  private func linear(_ module: String, _ x: [[Double]], firstRow: Int, outputs: Int) -> [[Double]] {
    guard let weight = values[module + ".weight"] else { return [] }
    let bias = values[module + ".bias"]
    let (a, b) = (values["base_model.model.\(module).lora_A.weight"], values["base_model.model.\(module).lora_B.weight"])
    return x.enumerated().map { place, row in
      var y = product(weight, row, rows: outputs)
      if let bias { y = zip(y, bias).map(+) }
      if let a, let b {
        let first = (firstRow + place) * row.count
        let masked = masks[module].map { mask in row.indices.map { row[$0] * mask[first + $0] } } ?? row
        y = zip(y, product(b, product(a, masked, rows: b.count / outputs), rows: outputs)).map { $0 + scale * $1 }
      }
      return y
    }
  }

  /// A matrix times a vector. Loops, because closures are slow in debug builds.
  private func product(_ matrix: [Double], _ x: [Double], rows: Int) -> [Double] {
    var y = [Double](repeating: 0, count: rows)
    matrix.withUnsafeBufferPointer { matrix in
      x.withUnsafeBufferPointer { x in
        var place = 0
        for row in 0..<rows {
          var (sum, column) = (0.0, 0)
          while column < x.count {
            sum += matrix[place] * x[column]
            (place, column) = (place + 1, column + 1)
          }
          y[row] = sum
        }
      }
    }
    return y
  }

  private func norm(_ module: String, _ x: [[Double]]) -> [[Double]] {
    let (weight, bias) = (values[module + ".weight"] ?? [], values[module + ".bias"])
    return x.map { row in
      let mean = configuration.family.norm == .layer ? row.reduce(0, +) / Double(row.count) : 0
      let deviation = (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count) + Double(configuration.normEpsilon)).squareRoot()
      return row.indices.map { (row[$0] - mean) / deviation * weight[$0] + (bias?[$0] ?? 0) }
    }
  }

  /// Angles as the engine has them; cosine and sine in double.
  private func rotated(_ x: [Double], position: Int) -> [Double] {
    guard let rope = configuration.rope else { return x }
    let (half, angles) = (x.count / 2, RotaryFrequencies(rope, headSize: x.count).inverse.map { Double(Float(position) * $0) })
    return x.indices.map { i in
      let (angle, pair) = (angles[i % half], i < half ? -x[i + half] : x[i - half])
      return x[i] * cos(angle) + pair * sin(angle)
    }
  }

  /// Loss of each position of an example.
  func losses(inputs: [Int32], targets: [Int32], firstRow: Int = 0) -> [Double] {
    let (c, family, d) = (configuration, configuration.family, configuration.hidden)
    let table = values[family.embedding + ".weight"]!
    var x = inputs.map { token in (0..<d).map { table[Int(token) * d + $0] } }
    if let name = family.positionEmbedding, let positions = values[name + ".weight"] {
      x = x.enumerated().map { place, row in row.indices.map { row[$0] + positions[place * d + $0] } }
    }
    for layer in 0..<c.layers {
      let normed = norm(family.attentionNorm(layer: layer), x)
      func run(_ linear: ModelFamily.Linear, _ input: [[Double]]) -> [[Double]] {
        self.linear(family.name(linear, layer: layer)!, input, firstRow: firstRow, outputs: c.shape(linear).outputs)
      }
      var (q, k, v): ([[Double]], [[Double]], [[Double]])
      if family.linears.contains(.queryKeyValue) {
        let all = run(.queryKeyValue, normed)
        q = all.map { Array($0[..<c.queryWidth]) }
        k = all.map { Array($0[c.queryWidth..<c.queryWidth + c.keyValueWidth]) }
        v = all.map { Array($0[(c.queryWidth + c.keyValueWidth)...]) }
      } else {
        (q, k, v) = (run(.query, normed), run(.key, normed), run(.value, normed))
      }
      var attended = x.map { _ in [Double]() }
      for head in 0..<c.heads {
        let (at, shared) = (head * c.headSize, head / (c.heads / c.keyValueHeads) * c.headSize)
        let queries = q.enumerated().map { rotated(Array($1[at..<at + c.headSize]), position: $0) }
        let keys = k.enumerated().map { rotated(Array($1[shared..<shared + c.headSize]), position: $0) }
        for i in x.indices {
          let scores = (0...i).map { j in zip(queries[i], keys[j]).reduce(0) { $0 + $1.0 * $1.1 } / Double(c.headSize).squareRoot() }
          let weights = scores.map { exp($0 - scores.max()!) }
          let sum = weights.reduce(0, +)
          attended[i] += (0..<c.headSize).map { e in (0...i).reduce(0) { $0 + weights[$1] / sum * v[$1][shared + e] } }
        }
      }
      x = zip(x, run(.output, attended)).map { zip($0, $1).map(+) }
      let fed = norm(family.feedForwardNorm(layer: layer), x)
      let activated: [[Double]]
      switch family.feedForward {
      case .gated: activated = zip(run(.gate, fed), run(.up, fed)).map { zip($0, $1).map { $0 / (1 + exp(-$0)) * $1 } }
      case .plain: activated = run(.up, fed).map { $0.map { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) } }
      }
      x = zip(x, run(.down, activated)).map { zip($0, $1).map(+) }
    }
    let head = c.tiesEmbeddings ? table : values[family.head! + ".weight"]!
    return zip(norm(family.finalNorm, x), targets).map { row, target in
      guard target != TrainingEngine.ignored else { return 0 }
      let logits = product(head, row, rows: c.vocabulary)
      let top = logits.max()!
      return log(logits.reduce(0) { $0 + exp($1 - top) }) + top - logits[Int(target)]
    }
  }

  func loss(inputs: [Int32], targets: [Int32], length: Int) -> Double {
    stride(from: 0, to: inputs.count, by: length).reduce(0) {
      $0 + losses(inputs: Array(inputs[$1..<$1 + length]), targets: Array(targets[$1..<$1 + length]), firstRow: $1).reduce(0, +)
    }
  }

  /// The slope of the loss along a direction in one tensor, by central differences.
  mutating func slope(_ name: String, along direction: [Double], inputs: [Int32], targets: [Int32], length: Int) -> Double {
    let (start, step) = (values[name]!, 1e-4)
    values[name] = zip(start, direction).map { $0 + step * $1 }
    let above = loss(inputs: inputs, targets: targets, length: length)
    values[name] = zip(start, direction).map { $0 - step * $1 }
    let below = loss(inputs: inputs, targets: targets, length: length)
    values[name] = start
    return (above - below) / (2 * step)
  }
}
