import CentramModel
import Foundation
import Testing

@Suite struct AdamWTests {
  private func engine() throws -> TrainingEngine {
    try TrainingEngine(model: SmallModel(.smallBytes).model(), method: .full, options: .init(threads: 2))
  }

  @Test func movesAsThePaperSays() throws {
    let engine = try engine()
    let configuration = AdamW.Configuration(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1, decaysVectors: false)
    let optimizer = AdamW(engine, configuration)
    var state = engine.tensors.map { tensor in tensor.valueList.map { (value: Double($0), first: 0.0, second: 0.0) } }
    var random = Random(3)
    for step in 1...5 {
      for (t, tensor) in engine.tensors.enumerated() {
        for i in 0..<tensor.count {
          let g = random.next()
          tensor.gradients[i] = g
          var s = state[t][i]
          if tensor.shape.count > 1 { s.value *= 1 - 0.01 * 0.1 }
          s.first = 0.8 * s.first + 0.2 * Double(g)
          s.second = 0.95 * s.second + 0.05 * Double(g) * Double(g)
          s.value -= 0.01 * (s.first / (1 - pow(0.8, Double(step)))) / ((s.second / (1 - pow(0.95, Double(step)))).squareRoot() + 1e-6)
          state[t][i] = s
        }
      }
      optimizer.update(learningRate: 0.01)
    }
    for (tensor, right) in zip(engine.tensors, state) { #expect(distance(tensor.valueList, right.map { Float($0.value) }) < 1e-6, "\(tensor.name)") }
  }

  @Test func resumesWithTheSameBits() throws {
    let (whole, resumed) = (try engine(), try engine())
    var random = Random(6)
    let (inputs, targets) = (random.tokens(12, below: 21), random.tokens(12, below: 21))
    let first = AdamW(whole)
    for step in 0..<4 {
      if step == 2 {
        let second = AdamW(resumed)
        for (from, to) in zip(whole.tensors, resumed.tensors) { to.set(from.valueList) }
        for (from, to) in zip(first.moments, second.moments) {
          #expect(from.name == to.name && from.count == to.count)
          to.first.update(from: from.first, count: from.count)
          to.second.update(from: from.second, count: from.count)
        }
        (second.step, resumed.passIndex) = (first.step, whole.passIndex)
        for _ in 0..<2 { _ = try resumed.step(second, inputs: inputs, targets: targets, batch: 2, length: 6, rate: 1e-2, clip: 1) }
      }
      _ = try whole.step(first, inputs: inputs, targets: targets, batch: 2, length: 6, rate: 1e-2, clip: 1)
    }
    #expect(whole.valueBits == resumed.valueBits)
  }
}
