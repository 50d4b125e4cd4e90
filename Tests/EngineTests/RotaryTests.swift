import Foundation
import ModelGoldens
import Testing

@testable import CentramModel

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

@Suite struct RotaryTests {
  /// Of rotary.json, which make_rotary.py made with transformers.
  struct Case: Decodable, Sendable {
    let name: String
    let headSize: Int
    let theta: Double
    let scaling: [String: Double]
    let inverse: [Float]
    let positions: [Int]
    let cosines: [[Float]]
    let sines: [[Float]]

    var rope: RotaryEmbedding {
      if let low = scaling["low_freq_factor"] {
        return RotaryEmbedding(
          theta: theta,
          scaling: .llama3(
            factor: scaling["factor"]!, lowFrequencyFactor: low, highFrequencyFactor: scaling["high_freq_factor"]!,
            originalContext: scaling["original_max_position_embeddings"]!))
      }
      return RotaryEmbedding(theta: theta, scaling: scaling["factor"].map { .linear(factor: $0) } ?? .none)
    }
  }

  static func cases() throws -> [Case] { try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(fileURLWithPath: Golden.path("Rotary/rotary.json")))) }

  @Test func anglesAreTransformers() throws {
    let cases = try Self.cases()
    #expect(cases.count == 8)
    for test in cases {
      let frequencies = RotaryFrequencies(test.rope, headSize: test.headSize)
      // Theirs come from powers in float32, ours are rounded once: at most two units in the last place between them.
      for (found, expected) in zip(frequencies.inverse, test.inverse) { #expect(abs(found - expected) <= 2 * expected.ulp, "\(test.name)") }
      let half = test.headSize / 2
      var (cosines, sines) = ([Float](repeating: 0, count: half), [Float](repeating: 0, count: half))
      for (index, position) in test.positions.enumerated() {
        frequencies.fill(position: position, cosines: &cosines, sines: &sines)
        // A unit in the last place of a frequency turns a far position by that of its angle.
        let allowed = zip(frequencies.inverse, test.inverse).map { 1e-6 + abs($0 - $1) * Float(position) + ($0 == $1 ? 0 : Float(position) * $0 * .ulpOfOne) }
        for pair in 0..<half {
          #expect(abs(cosines[pair] - test.cosines[index][pair]) <= allowed[pair], "\(test.name), position \(position), pair \(pair)")
          #expect(abs(sines[pair] - test.sines[index][pair]) <= allowed[pair], "\(test.name), position \(position), pair \(pair)")
        }
      }
    }
  }

  @Test func functionsAreTheLibrarysToDoublePrecision() {
    var random = SplitMix(state: 1)
    for _ in 0..<20_000 {
      let unit = Double(random.next() >> 11) / Double(1 << 53)
      let angle = unit * unit * unit * Double(1 << 20)
      let (sine, cosine) = ElementaryFunctions.sineAndCosine(angle)
      #expect(abs(sine - sin(angle)) < 1e-15 && abs(cosine - cos(angle)) < 1e-15, "\(angle)")
      let power = unit * 60 - 25
      #expect(abs(ElementaryFunctions.exp(power) / exp(power) - 1) < 2e-15, "\(power)")
      let number = exp(unit * 700)
      #expect(abs(ElementaryFunctions.log(number) - log(number)) <= 1e-15 * max(1, log(number)), "\(number)")
    }
    #expect(ElementaryFunctions.sineAndCosine(0) == (0, 1))
    #expect(ElementaryFunctions.exp(0) == 1 && ElementaryFunctions.log(1) == 0)
  }

  /// These bits are the same on every machine, because no library computes them.
  @Test func bitsOfTheTableAreFixed() {
    let frequencies = RotaryFrequencies(RotaryEmbedding(theta: 100_000), headSize: 64)
    var (cosines, sines) = ([Float](repeating: 0, count: 32), [Float](repeating: 0, count: 32))
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for position in stride(from: 0, to: 1 << 20, by: 9973) {
      frequencies.fill(position: position, cosines: &cosines, sines: &sines)
      for value in bits(cosines) + bits(sines) { hash = (hash ^ UInt64(value)) &* 0x100_0000_01b3 }
    }
    #expect(hash == 17_025_902_800_985_114_868)
  }
}
