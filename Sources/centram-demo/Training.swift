internal import Foundation

extension ByteModel {
  /// Mean loss in nat a byte over `positions` of `text`, and the gradients where `gradients` is given.
  func loss(_ text: [UInt8], at positions: [Int], gradients: inout [[Float]]?) -> Double {
    let n = positions.count, width = Self.context * Self.embedding
    var input = [Float](repeating: 0, count: n * width)
    for (row, position) in positions.enumerated() {
      for slot in 0..<Self.context {
        let byte = Int(text[position - Self.context + slot])
        for k in 0..<Self.embedding { input[row * width + slot * Self.embedding + k] = tensors[0][byte * Self.embedding + k] }
      }
    }
    var states = [[Float](repeating: 0, count: n * Self.hidden)]
    multiply(input, tensors[1], transposeB: true, rows: n, columns: Self.hidden, depth: width, into: &states[0])
    var activations: [[Float]] = []
    for layer in 0..<Self.layers {
      var up = [Float](repeating: 0, count: n * Self.inner)
      multiply(states[layer], tensors[2 + 2 * layer], transposeB: true, rows: n, columns: Self.inner, depth: Self.hidden, into: &up)
      for i in up.indices { up[i] = max(0, up[i]) }
      var next = states[layer]
      multiply(up, tensors[3 + 2 * layer], transposeB: true, rows: n, columns: Self.hidden, depth: Self.inner, into: &next, adding: true)
      activations.append(up)
      states.append(next)
    }
    let head = tensors.count - 1
    var logits = [Float](repeating: 0, count: n * Self.vocabulary)
    multiply(states[Self.layers], tensors[head], transposeB: true, rows: n, columns: Self.vocabulary, depth: Self.hidden, into: &logits)
    let loss = Self.crossEntropy(&logits, targets: positions.map { Int(text[$0]) })
    guard gradients != nil else { return loss }

    // `logits` now holds the gradient of the loss by the logits.
    multiply(logits, transposeA: true, states[Self.layers], rows: Self.vocabulary, columns: Self.hidden, depth: n, into: &gradients![head])
    var flow = [Float](repeating: 0, count: n * Self.hidden)
    multiply(logits, tensors[head], rows: n, columns: Self.hidden, depth: Self.vocabulary, into: &flow)
    for layer in (0..<Self.layers).reversed() {
      multiply(flow, transposeA: true, activations[layer], rows: Self.hidden, columns: Self.inner, depth: n, into: &gradients![3 + 2 * layer])
      var up = [Float](repeating: 0, count: n * Self.inner)
      multiply(flow, tensors[3 + 2 * layer], rows: n, columns: Self.inner, depth: Self.hidden, into: &up)
      for i in up.indices where activations[layer][i] == 0 { up[i] = 0 }
      multiply(up, transposeA: true, states[layer], rows: Self.inner, columns: Self.hidden, depth: n, into: &gradients![2 + 2 * layer])
      multiply(up, tensors[2 + 2 * layer], rows: n, columns: Self.hidden, depth: Self.inner, into: &flow, adding: true)
    }
    multiply(flow, transposeA: true, input, rows: Self.hidden, columns: width, depth: n, into: &gradients![1])
    var back = [Float](repeating: 0, count: n * width)
    multiply(flow, tensors[1], rows: n, columns: width, depth: Self.hidden, into: &back)
    for i in gradients![0].indices { gradients![0][i] = 0 }
    for (row, position) in positions.enumerated() {
      for slot in 0..<Self.context {
        let byte = Int(text[position - Self.context + slot])
        for k in 0..<Self.embedding { gradients![0][byte * Self.embedding + k] += back[row * width + slot * Self.embedding + k] }
      }
    }
    return loss
  }

  /// Mean loss; replaces the logits by their gradient.
  private static func crossEntropy(_ logits: inout [Float], targets: [Int]) -> Double {
    var total = 0.0
    let n = targets.count
    for row in 0..<n {
      let range = row * vocabulary..<(row + 1) * vocabulary
      let top = logits[range].max()!
      var sum: Float = 0
      for i in range {
        logits[i] = exp(logits[i] - top)
        sum += logits[i]
      }
      total -= Double(log(logits[row * vocabulary + targets[row]] / sum))
      for i in range { logits[i] /= sum * Float(n) }
      logits[row * vocabulary + targets[row]] -= 1 / Float(n)
    }
    return total / Double(n)
  }

  /// Adam (Kingma and Ba 2015) on random positions of `text`.
  mutating func train(on text: [UInt8], steps: Int, rate: Float, seed: UInt64) {
    var random = SplitMix(state: seed)
    var first = tensors.map { [Float](repeating: 0, count: $0.count) }
    var second = first
    var gradients: [[Float]]? = first
    for step in 1...steps {
      let positions = (0..<64).map { _ in Int.random(in: Self.context..<text.count, using: &random) }
      _ = loss(text, at: positions, gradients: &gradients)
      let correction = (1 - Foundation.pow(0.999, Float(step))).squareRoot() / (1 - Foundation.pow(0.9, Float(step)))
      let size = rate * correction * min(1, Float(steps - step + 1) / Float(steps) * 2)
      for t in tensors.indices {
        for i in tensors[t].indices {
          let g = gradients![t][i]
          first[t][i] = 0.9 * first[t][i] + 0.1 * g
          second[t][i] = 0.999 * second[t][i] + 0.001 * g * g
          tensors[t][i] -= size * first[t][i] / (second[t][i].squareRoot() + 1e-8)
        }
      }
    }
  }

  /// Mean loss in nat a byte on the whole of `text`.
  func evaluate(_ text: [UInt8]) -> Double {
    var none: [[Float]]?
    var total = 0.0, count = 0
    for start in stride(from: Self.context, to: text.count, by: 1024) {
      let positions = Array(start..<min(start + 1024, text.count))
      total += loss(text, at: positions, gradients: &none) * Double(positions.count)
      count += positions.count
    }
    return total / Double(count)
  }
}
