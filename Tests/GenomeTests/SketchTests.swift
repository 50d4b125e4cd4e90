import CentramGenome
import GateCorpus
import Testing

@Suite struct SketchTests {
  private let shape = CorpusShape(layers: 4, width: 48, hidden: 96, rank: 4)

  private func sketch(_ factors: [CorpusShape.Factors], key: [UInt8] = [1, 2, 3]) throws -> [Float] {
    let result: Result<[Float], GenomeError> = shape.weights(factors).withUnsafeBytes { lent in
      do throws(GenomeError) {
        return .success(UpdateSketch(try AdapterMatrices(configuration: shape.configuration(), weights: lent), key: key).values)
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// ⟨ΔW, ΔW'⟩ by the definition.
  private func product(_ one: [CorpusShape.Factors], _ other: [CorpusShape.Factors]) -> Double {
    zip(one, other).reduce(0) { sum, pair in
      let (x, y) = pair
      var total = 0.0
      for row in 0..<x.module.outputs {
        for column in 0..<x.module.inputs {
          var (p, q) = (0.0, 0.0)
          for k in 0..<shape.rank {
            p += Double(x.b[row * shape.rank + k]) * Double(x.a[k * x.module.inputs + column])
            q += Double(y.b[row * shape.rank + k]) * Double(y.a[k * y.module.inputs + column])
          }
          total += p * q
        }
      }
      return sum + total
    }
  }

  @Test func cosinesAreThoseOfTheUpdates() throws {
    let original = shape.factors(seed: 1)
    var random = CorpusRandom(9)
    for noise in [0, 0.002, 0.004, 0.008, 0.03] as [Float] {
      let other = original.map { it in
        var it = it
        for index in it.b.indices { it.b[index] += noise * random.normal() }
        return it
      }
      let exact = product(original, other) / (product(original, original) * product(other, other)).squareRoot()
      let estimate = UpdateSketch.cosine(try sketch(original), try sketch(other))
      #expect(abs(exact - estimate) <= 0.005 + 0.2 * (1 - exact), "noise \(noise): \(exact), \(estimate)")
    }
    let stranger = UpdateSketch.cosine(try sketch(original), try sketch(shape.factors(seed: 2)))
    #expect(abs(stranger) < 0.2)
  }

  @Test func otherKeysGiveOtherSketches() throws {
    let factors = shape.factors(seed: 1)
    let one = try sketch(factors), other = try sketch(factors, key: [3, 2, 1])
    #expect(abs(UpdateSketch.cosine(one, other)) < 0.2)
    #expect(one == (try sketch(factors)))
  }

  @Test func nothingHasNoAngle() throws {
    func vector(_ first: Float, _ second: Float = 0) -> [Float] { [first, second] + Array(repeating: 0, count: UpdateSketch.count - 2) }
    #expect(UpdateSketch.cosine(vector(0), vector(1)) == 0 && UpdateSketch.cosine(vector(.nan), vector(1)) == 0 && UpdateSketch.cosine([1], [1]) == 0)
    #expect(UpdateSketch.cosine(vector(1), vector(1)) == 1 && UpdateSketch.cosine(vector(1), vector(-1)) == -1)
    #expect(UpdateSketch.cosine(vector(0.6, 0.8), vector(1)) == Double(Float(0.6)))
    let nothing = shape.factors(seed: 1).map { it in
      var it = it
      it.b = it.b.map { _ in 0 }
      return it
    }
    #expect(try sketch(nothing).allSatisfy { $0 == 0 })
  }
}
