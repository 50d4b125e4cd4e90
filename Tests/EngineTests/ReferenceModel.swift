import CentramModel
import Foundation

/// The forward pass as the papers write it, in double precision, one position after the other: the judge of the engine.
struct ReferenceModel {
  let model: RandomModel
  private var configuration: ModelConfiguration { model.configuration }

  init(_ model: RandomModel) { self.model = model }

  /// Logits after each token.
  func logits(_ tokens: [Int32]) -> [[Double]] {
    var stream = tokens.enumerated().map { position, token -> [Double] in
      let row = row(configuration.family.embedding, Int(token))
      guard let positions = configuration.family.positionEmbedding else { return row }
      return zip(row, self.row(positions, position)).map(+)
    }
    for layer in 0..<configuration.layers { block(layer, &stream) }
    let head = configuration.tiesEmbeddings ? configuration.family.embedding : configuration.family.head!
    return stream.map { linear(head, norm(configuration.family.finalNorm, $0)) }
  }

  private func block(_ layer: Int, _ stream: inout [[Double]]) {
    let family = configuration.family
    func name(_ linear: ModelFamily.Linear) -> String { family.name(linear, layer: layer)! }
    let (queryWidth, keyWidth, size) = (configuration.queryWidth, configuration.keyValueWidth, configuration.headSize)
    var (keys, values): ([[Double]], [[Double]]) = ([], [])
    for position in stream.indices {
      let normed = norm(family.attentionNorm(layer: layer), stream[position])
      var query: [Double]
      if family.linears.contains(.queryKeyValue) {
        let all = linear(name(.queryKeyValue), normed)
        query = Array(all[..<queryWidth])
        keys.append(Array(all[queryWidth..<queryWidth + keyWidth]))
        values.append(Array(all[(queryWidth + keyWidth)...]))
      } else {
        query = rotated(linear(name(.query), normed), position)
        keys.append(rotated(linear(name(.key), normed), position))
        values.append(linear(name(.value), normed))
      }
      var mixed = [Double](repeating: 0, count: queryWidth)
      for head in 0..<configuration.heads {
        let shared = head / (configuration.heads / configuration.keyValueHeads) * size
        let scores = keys.map { key in (0..<size).reduce(0) { $0 + query[head * size + $1] * key[shared + $1] } / Double(size).squareRoot() }
        let weights = scores.map { exp($0 - scores.max()!) }
        let sum = weights.reduce(0, +)
        for (weight, value) in zip(weights, values) {
          for channel in 0..<size { mixed[head * size + channel] += weight / sum * value[shared + channel] }
        }
      }
      stream[position] = zip(stream[position], linear(name(.output), mixed)).map(+)
      let second = norm(family.feedForwardNorm(layer: layer), stream[position])
      var inner = linear(name(.up), second)
      switch family.feedForward {
      case .gated: inner = zip(linear(name(.gate), second), inner).map { $0 / (1 + exp(-$0)) * $1 }
      case .plain: inner = inner.map { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
      }
      stream[position] = zip(stream[position], linear(name(.down), inner)).map(+)
    }
  }

  private func rotated(_ row: [Double], _ position: Int) -> [Double] {
    var result = row
    let (size, half) = (configuration.headSize, configuration.headSize / 2)
    for head in 0..<row.count / size {
      for pair in 0..<half {
        let angle = Double(position) * pow(configuration.rope!.theta, -2 * Double(pair) / Double(size))
        let (x, y) = (row[head * size + pair], row[head * size + pair + half])
        result[head * size + pair] = x * cos(angle) - y * sin(angle)
        result[head * size + pair + half] = y * cos(angle) + x * sin(angle)
      }
    }
    return result
  }

  private func row(_ module: String, _ index: Int) -> [Double] {
    let width = configuration.hidden
    return model.tensors[module + ".weight"]!.values[index * width..<(index + 1) * width].map(Double.init)
  }

  private func norm(_ module: String, _ x: [Double]) -> [Double] {
    let weight = model.tensors[module + ".weight"]!.values
    let bias = model.tensors[module + ".bias"]?.values
    let mean = bias == nil ? 0 : x.reduce(0, +) / Double(x.count)
    let scale = 1 / (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count) + Double(configuration.normEpsilon)).squareRoot()
    return x.indices.map { (x[$0] - mean) * scale * Double(weight[$0]) + Double(bias?[$0] ?? 0) }
  }

  private func linear(_ module: String, _ x: [Double]) -> [Double] {
    let weight = model.tensors[module + ".weight"]!
    let bias = model.tensors[module + ".bias"]?.values
    return weight.values.withUnsafeBufferPointer { values in
      (0..<weight.shape[0]).map { output in
        var sum = 0.0
        for input in 0..<x.count { sum += Double(values[output * x.count + input]) * x[input] }
        return sum + Double(bias?[output] ?? 0)
      }
    }
  }
}
