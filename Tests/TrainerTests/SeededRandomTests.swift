import CentramPluginAPI
import CentramTrainingSupport
import Foundation
import Testing

@Suite struct SeededRandomTests {
  private func noise(seed: UInt64 = 1, step: Int = 1, name: String = "t", count: Int, deviation: Double = 1) -> [Float] {
    let tensors = Tensors([(name, [count], Array(repeating: 0, count: count))])
    SeededRandom(seed: seed, purpose: "noise").addGaussian(to: tensors.all, deviation: deviation, step: step)
    return Array(tensors.all[0].gradient)
  }

  @Test func noiseHasTheMomentsOfAGaussian() {
    let count = 200_000, values = noise(count: count, deviation: 2).map { Double($0) / 2 }
    func moment(_ power: Int) -> Double { values.reduce(0) { $0 + pow($1, Double(power)) } / Double(count) }
    // Five standard errors of each.
    #expect(abs(moment(1)) < 5 / Double(count).squareRoot())
    #expect(abs(moment(2) - 1) < 5 * (2 / Double(count)).squareRoot())
    #expect(abs(moment(3)) < 5 * (15 / Double(count)).squareRoot())
    #expect(abs(moment(4) - 3) < 5 * (96 / Double(count)).squareRoot())
    let sorted = values.sorted()
    // Kolmogorov and Smirnov at about one in ten million.
    let distance = sorted.enumerated().map { abs(erfc(-$0.element / 2.0.squareRoot()) / 2 - Double($0.offset) / Double(count)) }.max()!
    #expect(distance < 3 / Double(count).squareRoot())
  }

  @Test func noiseIsThatOfTheFormulaToTheLastDigits() {
    // Box–Muller by the library's functions on the same words, through a neighbour: the sum of squares of a pair is −2 log u.
    let values = noise(count: 1000).map(Double.init)
    for index in stride(from: 0, to: 1000, by: 2) {
      let radius = (values[index] * values[index] + values[index + 1] * values[index + 1]).squareRoot()
      #expect(radius > 0 && radius < 9)
    }
    #expect(noise(count: 7) == Array(noise(count: 1000).prefix(7)))
    #expect(noise(count: 20_001).count == 20_001)
  }

  @Test func noiseDiffersByStepTensorAndSeedAndIsAddedToWhatIsThere() {
    let one = noise(count: 64)
    #expect(one == noise(count: 64))
    for other in [noise(seed: 2, count: 64), noise(step: 2, count: 64), noise(name: "u", count: 64)] { #expect(Set(one).isDisjoint(with: other)) }
    let gradient = UnsafeMutableBufferPointer<Float>.allocate(capacity: 64)
    gradient.initialize(repeating: 100)
    let tensor = TrainableTensor(name: "t", shape: [64], values: gradient, gradient: gradient)
    SeededRandom(seed: 1, purpose: "noise").addGaussian(to: [tensor], deviation: 1, step: 1)
    for (found, noise) in zip(gradient, one) { #expect(abs(found - 100 - noise) < 1e-5) }
    gradient.deallocate()
  }

  @Test func poissonSamplesHaveTheRateAndNoMemory() {
    let random = SeededRandom(seed: 9, purpose: "poisson")
    var total = 0, counts = [Int](repeating: 0, count: 500)
    for step in 1...400 {
      let sample = random.poissonSample(step: step, count: 500, rate: 0.02)
      #expect(sample == sample.sorted() && Set(sample).count == sample.count)
      total += sample.count
      for index in sample { counts[index] += 1 }
    }
    // 200,000 draws at 2 %: 4,000 with a deviation of 62.6.
    #expect(abs(total - 4000) < 320)
    #expect(counts.max()! < 30 && counts.filter { $0 == 0 }.count < 10)
    #expect(random.poissonSample(step: 1, count: 5, rate: 1) == [0, 1, 2, 3, 4])
    #expect(random.poissonSample(step: 1, count: 10_000, rate: 0).isEmpty)
    #expect(random.poissonSample(step: 3, count: 9000, rate: 0.3) == random.poissonSample(step: 3, count: 9000, rate: 0.3))
  }

  @Test func choosesWithoutRepetition() {
    let chosen = SeededRandom(seed: 4, purpose: "median").choose(64, of: 100)
    #expect(Set(chosen).count == 64 && chosen.allSatisfy { (0..<100).contains($0) })
    #expect(SeededRandom(seed: 4, purpose: "median").choose(64, of: 3).sorted() == [0, 1, 2])
  }
}
