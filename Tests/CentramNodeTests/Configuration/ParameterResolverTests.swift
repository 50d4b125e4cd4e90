import CentramNode
import CentramPluginAPI
import Testing

@Suite struct ParameterResolverTests {
  private let info = MergeOperatorInfo(
    needs: .baseAsInput,
    parameters: [
      .init("weight", .number, .perInput, required: true, limits: 0...1, "w"), .init("scale", .number, .perInput, default: .number(7), "s"),
      .init("t", .number, default: .number(9), "t"), .init("flag", .boolean, default: .boolean(false), "f"),
      .init("steps", .integer, default: .number(10), limits: 1...100, "i"), .init("mode", .string, default: .string("x"), "m"),
    ])

  /// The parameters of one tensor with one input.
  private func resolve(
    _ yaml: String, tensor: String = "model.layers.0.mlp.up.weight", input: String? = nil, x: Double = 0, slice: String? = nil, source: String? = nil,
    info: MergeOperatorInfo? = nil
  ) throws -> Parameters {
    func settings(_ text: String?) throws -> ParameterSettings {
      try text.map { try parsed("merge_method: m\nmodels: [{model: a}]\nparameters: \($0)").parameters } ?? .init()
    }
    let configuration = try parsed(yaml)
    let resolver = try ParameterResolver(configuration, info: info ?? self.info)
    return try resolver.parameters(
      tensor: tensor, position: x, slice: settings(slice),
      inputs: [.init(parameters: settings(source), tensor: input ?? tensor, model: "a", place: configuration.place)], baseIndex: nil)
  }

  private func document(_ parameters: String) -> String { "merge_method: m\nmodels: [{model: a}]\nparameters: \(parameters)" }

  private func weight(_ setting: String, x: Double = 0, tensor: String = "model.layers.0.mlp.up.weight") throws -> ParameterValue? {
    try resolve(document("{weight: \(setting)}"), tensor: tensor, x: x).value("weight", input: 0)
  }

  // MARK: Values

  @Test func aScalarHoldsEverywhere() throws {
    for x in [0, 0.5, 1] { #expect(try weight("0.3", x: x) == .number(0.3)) }
  }

  @Test(arguments: [(0, 0), (0.25, 0.25), (0.5, 0.5), (0.75, 0.75), (1, 1)] as [(Double, Double)])
  func aGradientOfTwoIsALine(_ x: Double, _ value: Double) throws { #expect(try weight("[0, 1]", x: x) == .number(value)) }

  @Test(arguments: [(0, 0), (0.125, 0.25), (0.25, 0.5), (0.375, 0.4), (0.5, 0.3), (1, 1)] as [(Double, Double)])
  func aGradientOfFiveHasAKneeAtEachValue(_ x: Double, _ value: Double) throws {
    guard case .number(let number)? = try weight("[0, 0.5, 0.3, 0.7, 1]", x: x) else { throw MergeError(.input, "no number") }
    #expect(abs(number - value) < 1e-15)
  }

  @Test func aGradientOfOneIsAScalar() throws {
    for x in [0, 0.3, 1] { #expect(try weight("[0.3]", x: x) == .number(0.3)) }
  }

  @Test func gradientsOfBooleansAndTextsPick() throws {
    for (x, value) in [(0, true), (0.49, true), (0.5, false), (0.99, false), (1, true)] {
      #expect(try resolve(document("{weight: 1, flag: [true, false, true]}"), x: x).value("flag") == .boolean(value))
    }
    #expect(try resolve(document("{weight: 1, mode: [a, b]}"), x: 0.9).value("mode") == .string("a"))
    #expect(try resolve(document("{weight: 1, mode: [a, b]}"), x: 1).value("mode") == .string("b"))
  }

  @Test func anEmptyGradientIsNotSet() throws {
    #expect(try resolve(document("{weight: 1, t: []}")).value("t") == .number(9))
    #expect(try resolve(document("{weight: 0.5}"), source: "{weight: []}").value("weight", input: 0) == .number(0.5))
  }

  // MARK: Filters

  @Test func theFirstFilterThatMatchesCounts() throws {
    let setting = "[{filter: mlp, value: 0.1}, {filter: up, value: 0.2}, {value: 0.3}]"
    #expect(try weight(setting) == .number(0.1))
    #expect(try weight(setting, tensor: "x.up.weight") == .number(0.2))
    #expect(try weight(setting, tensor: "x.norm.weight") == .number(0.3))
  }

  @Test func filtersArePlainPartsOfNames() throws {
    #expect(try weight("[{filter: 'layers.1.', value: 0.1}, {value: 0.3}]", tensor: "model.layers.1.x") == .number(0.1))
    #expect(try weight("[{filter: 'layers.1.', value: 0.1}, {value: 0.3}]", tensor: "model.layers.11.x") == .number(0.3))
    #expect(try weight("[{filter: 'm.p', value: 0.1}, {value: 0.3}]", tensor: "mlp") == .number(0.3))
    #expect(try weight("[{filter: '^model', value: 0.1}, {value: 0.3}]", tensor: "model.x") == .number(0.3))
  }

  @Test func aStarMatchesAll() throws {
    #expect(try weight("[{filter: '*', value: 0.1}, {value: 0.3}]") == .number(0.1))
    #expect(try weight("{filter: '*', value: 0.1}") == .number(0.1))
    #expect(try weight("{value: 0.1}") == .number(0.1))
  }

  @Test func aFilterMayHoldAGradient() throws {
    #expect(try weight("[{filter: mlp, value: [0, 1]}, {value: 0.5}]", x: 0.25) == .number(0.25))
  }

  @Test func whereNoFilterMatchesTheSearchGoesOneLevelUp() throws {
    let parameters = try resolve(document("{weight: 0.5, scale: {filter: nowhere, value: 1}}"), slice: "{weight: {filter: nowhere, value: 0.1}}")
    #expect(parameters.value("weight", input: 0) == .number(0.5))
    #expect(parameters.value("scale", input: 0) == .number(7))
    #expect(throws: MergeError.self) { try weight("{filter: nowhere, value: 0.1}") }
  }

  @Test func filtersSeeTheInputsNameForItsOwnParametersAndTheOutputsForShared() throws {
    let yaml = document("{weight: [{filter: 'layers.5', value: 0.5}, {filter: 'layers.9', value: 0.9}], t: [{filter: 'layers.5', value: 5}, {value: 0}]}")
    let parameters = try resolve(yaml, tensor: "model.layers.9.x", input: "model.layers.5.x")
    #expect(parameters.value("weight", input: 0) == .number(0.5))
    #expect(parameters.value("t") == .number(0))
  }

  // MARK: Levels

  @Test func theInnermostLevelCounts() throws {
    let modules = "merge_method: m\nmodules: {default: {models: [{model: a}], parameters: {weight: 0.3}}}\nparameters: {weight: 0.4, t: 4}"
    #expect(try resolve(modules, slice: "{weight: 0.2}", source: "{weight: 0.1}").value("weight", input: 0) == .number(0.1))
    #expect(try resolve(modules, slice: "{weight: 0.2}").value("weight", input: 0) == .number(0.2))
    #expect(try resolve(modules).value("weight", input: 0) == .number(0.3))
    #expect(try resolve(document("{weight: 0.4}")).value("weight", input: 0) == .number(0.4))
    #expect(try resolve(modules, slice: "{t: 2}").value("t") == .number(2))
    #expect(try resolve(modules).value("t") == .number(4))
  }

  @Test func whatIsNotSetHasItsDefault() throws {
    let parameters = try resolve(document("{weight: 1}"))
    #expect(parameters.shared == ["t": .number(9), "flag": .boolean(false), "steps": .number(10), "mode": .string("x")])
    #expect(parameters.perInput == [["weight": .number(1), "scale": .number(7)]])
  }

  @Test func requiredParametersAreReportedWithThePlaceToPutThem() throws {
    let configuration = try parsed("merge_method: linear\nmodels:\n- model: a\n- model: b")
    let resolver = try ParameterResolver(configuration, info: info)
    guard case .models(let sources) = configuration.inputs else { throw MergeError(.input, "no models") }
    let inputs = sources.map { ParameterResolver.Input(parameters: $0.parameters, tensor: "x", model: $0.model.description, place: $0.place) }
    #expect {
      _ = try resolver.parameters(tensor: "x", position: 0, slice: .init(), inputs: inputs, baseIndex: nil)
    } throws: {
      "\($0)" == "merge.yml:3:3: models[0]: weight is missing for a and x: put weight: under models[0].parameters, or under parameters of the document for all models"
    }
    let shared = MergeOperatorInfo(parameters: [.init("t", .number, required: true, "t")])
    #expect {
      _ = try resolve("merge_method: slerp\nmodels: [{model: a}]", info: shared)
    } throws: { "\($0)".contains("t is missing") && "\($0)".contains("put t: under parameters of the document") }
  }

  // MARK: Checks

  @Test(arguments: [
    ("{densty: 1}", "3:22", "densty is no parameter of m; known here: flag, mode, scale, steps, t, weight"), ("{wieght: 1}", "3:22", "did you mean weight?"),
    ("{weight: 1.0001}", "3:22", "weight is 1.0001, outside 0 to 1"), ("{weight: -0.0001}", "3:22", "outside 0 to 1"),
    ("{weight: [0, 2]}", "3:22", "weight is 2, outside"), ("{weight: [{filter: a, value: 0}, {value: [0.5, 3]}]}", "3:22", "weight is 3, outside"),
    ("{weight: '0.5'}", "3:22", "weight is a number, not the text \"0.5\""), ("{weight: true}", "3:22", "weight is a number, not true"),
    ("{flag: 2}", "3:20", "flag is true or false, not 2"), ("{flag: maybe}", "3:20", "not the text \"maybe\""), ("{mode: 1}", "3:20", "mode is a text, not 1"),
    ("{steps: 1.5}", "3:21", "steps is a whole number, not 1.5"), ("{steps: 0}", "3:21", "outside 1 to 100"), ("{steps: 101}", "3:21", "outside 1 to 100"),
  ])
  func wrongParametersAreErrorsBeforeAnyTensor(_ parameters: String, _ place: String, _ message: String) throws {
    let configuration = try parsed(document(parameters))
    #expect {
      _ = try ParameterResolver(configuration, info: info)
    } throws: { "\($0)".hasPrefix("merge.yml:\(place): parameters.") && "\($0)".contains(message) }
  }

  @Test func limitsThemselvesAreTaken() throws {
    #expect(try weight("[0, 1]") == .number(0))
    #expect(try resolve(document("{weight: 1, steps: [1, 100]}")).value("steps") == .number(1))
  }

  @Test func zeroAndOneStandForFalseAndTrue() throws {
    #expect(try resolve(document("{weight: 1, flag: 1}")).value("flag") == .boolean(true))
    #expect(try resolve(document("{weight: 1, flag: 0}")).value("flag") == .boolean(false))
  }

  @Test func interpolatedWholeNumbersThatAreNoneAreErrors() throws {
    #expect {
      _ = try resolve(document("{weight: 1, steps: [1, 2]}"), x: 0.5)
    } throws: { "\($0)".contains("not 1.5 (interpolated for model.layers.0.mlp.up.weight)") }
  }

  @Test(arguments: [
    "merge_method: m\nmodels: [{model: a, parameters: {wieght: 1}}]", "merge_method: m\nslices: [{sources: [{model: a}], parameters: {wieght: 1}}]",
    "merge_method: m\nslices: [{sources: [{model: a, parameters: {wieght: 1}}]}]",
    "merge_method: m\nmodules: {default: {models: [{model: a}], parameters: {wieght: 1}}}",
  ])
  func parametersAreCheckedAtEveryLevel(_ yaml: String) throws {
    let configuration = try parsed(yaml)
    #expect { _ = try ParameterResolver(configuration, info: info) } throws: { "\($0)".contains("did you mean weight?") }
  }

  @Test func sharedParametersOfOneModelAreErrors() throws {
    let configuration = try parsed("merge_method: m\nmodels: [{model: a, parameters: {t: 1}}]")
    #expect {
      _ = try ParameterResolver(configuration, info: info)
    } throws: { "\($0)".contains("models[0].parameters.t") && "\($0)".contains("one value for all models") }
  }

  @Test func anOperatorWithoutParametersSaysSo() throws {
    let configuration = try parsed(document("{weight: 1}"))
    #expect { _ = try ParameterResolver(configuration, info: .init()) } throws: { "\($0)".contains("there are none here") }
  }
}
