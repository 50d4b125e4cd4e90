import CentramModel
import ModelGoldens
import Testing

@Suite struct ReferenceTests {
  static let cases: [(String, ModelConfiguration, WeightFormat, Bool)] = [
    ("llama", .small(), .f32, false),
    ("llama with biases", .small(bias: true), .f32, true),
    ("llama, tied", .small(tied: true), .bf16, false),
    ("qwen2", .small(.qwen2, bias: true, rope: .init(theta: 1e6)), .q8_0, false),
    ("qwen2 in four bits", .small(.qwen2, tied: true, bias: true), .q4_0, false),
    ("toy", .smallToy, .f32, false),
    ("toy in half precision", .smallToy, .f16, false),
  ]

  @Test(arguments: cases) func logitsAreThoseOfThePapers(name: String, configuration: ModelConfiguration, format: WeightFormat, biases: Bool) throws {
    let random = RandomModel(configuration, format: format, seed: 7, hasBiasesElsewhere: biases)
    let tokens: [Int32] = [3, 95, 0, 17, 17, 42, 8]
    let expected = ReferenceModel(random).logits(tokens).flatMap { $0.map(Float.init) }
    let logits = try Engine(model: random.model()).logits(tokens)
    #expect(distance(logits, expected) < 1e-4 * max(1, expected.map(abs).max()!), "\(name)")
  }
}
