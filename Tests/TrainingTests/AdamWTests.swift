import CentramModel
import CentramTrainingSupport
import Foundation
import ModelGoldens
import Testing

/// The trainers' optimiser on the tensors of a model.
@Suite struct AdamWTests {
  private func engine() throws -> TrainingEngine {
    try TrainingEngine(model: SmallModel(.smallBytes).model(), method: .full, options: .init(threads: 2))
  }

  @Test func movesAsThePaperSays() throws {
    let engine = try engine()
    var optimizer = engine.optimizer(.init(beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1))
    var state = engine.tensors.map { tensor in tensor.valueList.map { (value: Double($0), first: 0.0, second: 0.0) } }
    var random = Random(3)
    for step in 1...5 {
      for (t, tensor) in engine.tensors.enumerated() {
        for i in 0..<tensor.count {
          let g = random.next()
          tensor.gradients[i] = g
          var s = state[t][i]
          s.value *= 1 - 0.01 * 0.1
          s.first = 0.8 * s.first + 0.2 * Double(g)
          s.second = 0.95 * s.second + 0.05 * Double(g) * Double(g)
          s.value -= 0.01 * (s.first / (1 - pow(0.8, Double(step)))) / ((s.second / (1 - pow(0.95, Double(step)))).squareRoot() + 1e-6)
          state[t][i] = s
        }
      }
      optimizer.update(engine.trainable, learningRate: 0.01)
    }
    for (tensor, right) in zip(engine.tensors, state) { #expect(distance(tensor.valueList, right.map { Float($0.value) }) < 1e-6, "\(tensor.name)") }
  }

  @Test func resumesWithTheSameBits() throws {
    let (whole, resumed) = (try engine(), try engine())
    var random = Random(6)
    let (inputs, targets) = (random.tokens(12, below: 21), random.tokens(12, below: 21))
    var first = whole.optimizer()
    for step in 0..<4 {
      if step == 2 {
        // What a checkpoint keeps, in another engine.
        var second = resumed.optimizer()
        let state = ResumeState(trainer: "t", fingerprint: "f", seed: 1, step: step, numbers: []).encoded(whole.trainable, first)
        let found = try ResumeState(state, trainer: "t", fingerprint: "f", seed: 1, into: resumed.trainable, &second)
        #expect(found.step == step && second.step == step)
        resumed.passIndex = whole.passIndex
        for _ in 0..<2 { _ = try resumed.step(&second, inputs: inputs, targets: targets, batch: 2, length: 6, rate: 1e-2, clip: 1) }
      }
      _ = try whole.step(&first, inputs: inputs, targets: targets, batch: 2, length: 6, rate: 1e-2, clip: 1)
    }
    #expect(whole.valueBits == resumed.valueBits)
  }
}
