import CentramPluginAPI
import CentramTrainingSupport
import Foundation
import Testing

/// Tensors with room of their own.
final class Tensors {
  let all: [TrainableTensor]
  init(_ tensors: [(name: String, shape: [Int], values: [Float])]) {
    all = tensors.map { tensor in
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.values.count)
      _ = values.initialize(from: tensor.values)
      let gradient = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.values.count)
      gradient.initialize(repeating: 0)
      return TrainableTensor(name: tensor.name, shape: tensor.shape, values: values, gradient: gradient)
    }
  }
  deinit {
    for tensor in all {
      tensor.values.deallocate()
      tensor.gradient.deallocate()
    }
  }
}

@Suite struct OptimizerTests {
  private struct Golden: Decodable {
    struct Case: Decodable {
      let lr, beta1, beta2, epsilon, decay: Double
      let clip: Double?
      let start: [[Float]], grads: [[[Float]]], values: [[[Float]]], norms: [Double]
    }
    let adamw: [Case]
    let rates: [String: [Double]]
  }

  @Test func stepsAreThoseOfPyTorch() throws {
    for golden in try Fixtures.decode(Golden.self, "optimizer.json").adamw {
      let tensors = Tensors([("a", [3, 5], golden.start[0]), ("b", [7], golden.start[1])])
      var optimizer = AdamW(.init(beta1: golden.beta1, beta2: golden.beta2, epsilon: golden.epsilon, weightDecay: golden.decay), counts: [15, 7])
      for (step, gradients) in golden.grads.enumerated() {
        for (tensor, gradient) in zip(tensors.all, gradients) { _ = tensor.gradient.update(from: gradient) }
        let norm = Gradients.clip(tensors.all, to: golden.clip ?? 1e9)
        #expect(abs(norm - golden.norms[step]) < 1e-6 * norm)
        optimizer.update(tensors.all, learningRate: golden.lr)
        for (tensor, wanted) in zip(tensors.all, golden.values[step]) {
          for (found, wanted) in zip(tensor.values, wanted) { #expect(abs(found - wanted) <= 2e-6 * max(1, abs(wanted)), "step \(step)") }
        }
      }
    }
  }

  @Test func schedulesAreThoseOfTransformers() throws {
    let golden = try Fixtures.decode(Golden.self, "optimizer.json").rates
    for (name, rates) in golden {
      let rate = LearningRate(peak: 1, warmUp: 10, schedule: try #require(.init(rawValue: name)), steps: 50)
      // Theirs counts from 0, so its first step has a rate of 0 and its 11th the peak; ours starts one warm-up step later.
      for step in 11...50 { #expect(abs(rate(step) - rates[step - 1]) < 1e-12, "\(name) \(step)") }
      for step in 1...10 { #expect(abs(rate(step) - Double(step) / 10) < 1e-15) }
    }
    #expect(LearningRate(peak: 3, warmUp: 0, schedule: .constant, steps: 5)(5) == 3)
    #expect(LearningRate(peak: 3, warmUp: 0, schedule: .cosine, minimum: 1, steps: 5)(1) == 3)
    #expect(abs(LearningRate(peak: 3, warmUp: 0, schedule: .cosine, minimum: 1, steps: 4)(3) - 2) < 1e-15)
    #expect(abs(LearningRate(peak: 3, warmUp: 0, schedule: .cosine, minimum: 1, steps: 4)(5) - 1) < 1e-15)
    #expect(LearningRate(peak: 3, warmUp: 0, schedule: .linear, steps: 1)(1) == 3)
  }

  @Test func normsDoNotDependOnHowATensorIsCutOff() {
    for count in 0...40 {
      let values = (0..<count).map { Float($0) - 7.5 }
      let tensors = Tensors([("a", [count], values)])
      _ = tensors.all[0].gradient.update(from: values)
      let wanted = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(Gradients.norm(tensors.all) - wanted) < 1e-12 * max(1, wanted))
    }
  }
}
