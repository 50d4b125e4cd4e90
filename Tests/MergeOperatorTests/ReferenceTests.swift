import CentramPluginAPI
import CentramPluginTesting
import Testing

/// Every operator against the plain statement of its formula, on random shapes and parameters.
@Suite struct ReferenceTests {
  static let shapes: [[Int]] = [[], [1], [2], [3], [1, 7], [7, 1], [5, 9], [64, 33], [2, 3, 4], [6, 1, 5], [3000], [40, 29], [3, 1100]]

  @Test(arguments: operators.keys.sorted()) func agreesWithThePlainFormula(_ method: String) throws {
    for seed in 1...UInt64(Self.shapes.count) {
      var generator = Generator(seed: seed &* 977 &+ UInt64(method.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 0xffff))
      let shape = Self.shapes[Int(seed) % Self.shapes.count], count = shape.reduce(1, *)
      let setup = Setup(method, &generator)
      let inputs = generator.models(setup.inputs, count: count)
      let models = inputs.indices.map { "model\($0)" }
      let base = setup.hasBase ? 0 : nil
      let masks = models.map { _ in (0..<count).map { _ in UInt8(generator.below(2)) } }
      let output = try OperatorHarness.merge(
        operators[method]!, inputs, shape: shape, base: base, parameters: setup.parameters, models: models, seed: seed,
        masks: FixedMasks(byModel: Dictionary(uniqueKeysWithValues: zip(models, masks))), blockSize: 1 + generator.below(3000))
      var reference = Reference(inputs: inputs.map { $0.map(Double.init) }, shape: shape, base: base, parameters: setup.parameters)
      reference.masks = reference.others.map { masks[$0] }
      let expected = reference.merge(method)
      let wrong = output.indices.filter { !(abs(Double(output[$0]) - expected[$0]) <= 1e-6 + 4e-6 * abs(expected[$0])) }
      // Importances are rounded to float32, so an element at the limit may go either way.
      let allowed = method == "arcee_fusion" ? count / 1000 : 0
      #expect(
        wrong.count <= allowed,
        "seed \(seed), shape \(shape), \(setup): \(wrong.count) wrong, first \(wrong.first.map { "\($0): \(output[$0]) for \(expected[$0])" } ?? "")")
    }
  }

  @Test(arguments: operators.keys.sorted()) func mergingAModelWithItselfGivesIt(_ method: String) throws {
    var generator = Generator(seed: 5)
    let setup = Setup(method, &generator), model = generator.models(1, count: 600)[0]
    guard method != "passthrough" else { return }
    var parameters = setup.parameters
    parameters.shared["normalize"] = .boolean(true)
    parameters.shared["normalize_weights"] = .boolean(true)
    let output = try OperatorHarness.merge(
      operators[method]!, Array(repeating: model, count: setup.inputs), shape: [20, 30], base: setup.hasBase ? 0 : nil, parameters: parameters)
    #expect(zip(output, model).allSatisfy { abs($0 - $1) <= 1e-6 + 4e-6 * abs($1) }, "\(setup)")
  }
}
