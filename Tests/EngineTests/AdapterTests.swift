import CentramModel
import Foundation
import ModelGoldens
import Testing

@Suite struct AdapterRunTests {
  static let tokens: [Int32] = [5, 90, 33, 2, 71, 18, 18, 64, 1]
  var random = RandomModel(.small(.qwen2, bias: true), format: .q8_0, seed: 3)

  /// Factors for some modules, the rank no multiple of anything.
  func contents(_ linears: [ModelFamily.Linear], rank: Int, seed: UInt64, layers: Range<Int>? = nil) -> AdapterContents {
    var source = SplitMix(state: seed)
    let configuration = random.configuration
    return AdapterContents(
      modules: (layers ?? 0..<configuration.layers).flatMap { layer in
        linears.map { linear in
          let (outputs, inputs) = configuration.shape(linear)
          return AdapterContents.Module(
            name: configuration.family.name(linear, layer: layer)!, outputs: outputs, inputs: inputs, rank: rank,
            a: (0..<rank * inputs).map { _ in source.symmetric() * 0.3 }, b: (0..<outputs * rank).map { _ in source.symmetric() * 0.3 })
        }
      })
  }

  /// The base with the adapters' products added to its weights, in float32.
  func merged(_ adapters: [(AdapterContents, Float)]) -> RandomModel {
    let merged = RandomModel(random.configuration, format: .q8_0, seed: 3)
    for (contents, scale) in adapters {
      for module in contents.modules {
        let name = module.name + ".weight"
        var values = merged.tensors[name]!.values
        for output in 0..<module.outputs {
          for input in 0..<module.inputs {
            var sum: Float = 0
            for inner in 0..<module.rank { sum += module.b[output * module.rank + inner] * module.a[inner * module.inputs + input] }
            values[output * module.inputs + input] += scale * sum
          }
        }
        merged.set(name, [module.outputs, module.inputs], values)
      }
    }
    return merged
  }

  @Test func severalAdaptersWithScalesEqualTheMergedModel() throws {
    let model = try random.model()
    let (one, two) = (contents([.query, .value, .down], rank: 3, seed: 1), contents([.query, .key, .output, .gate, .up], rank: 20, seed: 2, layers: 1..<3))
    let engine = try Engine(model: model)
    let applied = [
      AppliedAdapter(try AdapterWeights(one, name: "one", model: model), scale: 0.5), AppliedAdapter(try AdapterWeights(two, name: "two", model: model), scale: -0.25),
    ]
    let expected = try Engine(model: merged([(one, 0.5), (two, -0.25)]).model()).logits(Self.tokens)
    #expect(distance(try engine.logits(Self.tokens, adapters: applied), expected) < 1e-3)
    let base = try engine.logits(Self.tokens)
    #expect(distance(base, expected) > 1)
    // Nothing is left of an adapter that is taken off.
    #expect(bits(base) == bits(try Engine(model: random.model()).logits(Self.tokens)))
  }

  /// The base's bits stay beside its adapter, which equals one folded into the floats that the blocks stand for.
  @Test(arguments: [WeightFormat.q4_K, .q5_K, .q6_K]) func aKQuantBaseTakesAdapters(format: WeightFormat) throws {
    var configuration = ModelConfiguration.small(.qwen2, bias: true)
    (configuration.hidden, configuration.intermediate, configuration.heads, configuration.headSize) = (256, 512, 8, 32)
    var test = self
    test.random = RandomModel(configuration, seed: 3)
    test.random.setRandomBlocks(format, seed: 8)
    let model = try test.random.model()
    let contents = test.contents([.query, .value, .output, .up, .down], rank: 5, seed: 1)
    let plain = RandomModel(configuration, seed: 3)
    for (name, tensor) in test.random.tensors { plain.set(name, tensor.shape, tensor.values) }
    let base = try Engine(model: model).logits(Self.tokens)
    #expect(bits(base) == bits(try Engine(model: plain.model()).logits(Self.tokens)))
    for module in contents.modules {
      let name = module.name + ".weight"
      var values = plain.tensors[name]!.values
      for output in 0..<module.outputs {
        for input in 0..<module.inputs {
          for inner in 0..<module.rank { values[output * module.inputs + input] += 0.5 * module.b[output * module.rank + inner] * module.a[inner * module.inputs + input] }
        }
      }
      plain.set(name, [module.outputs, module.inputs], values)
    }
    let expected = try Engine(model: plain.model()).logits(Self.tokens)
    let applied = AppliedAdapter(try AdapterWeights(contents, name: "k", model: model), scale: 0.5)
    let engine = try Engine(model: model, threads: 2)
    let found = try engine.logits(Self.tokens, adapters: [applied])
    let largest = expected.reduce(0) { max($0, abs($1)) }
    #expect(distance(found, expected) < 1e-4 * largest && distance(base, expected) > 0.01 * largest)
    #expect(bits(try engine.logits(Self.tokens)) == bits(base))
    // The 8-bit profile rounds the base's activations; the adapter stays in floats.
    let rounded = try Engine(model: model, profile: .int8).logits(Self.tokens, adapters: [applied])
    #expect(distance(rounded, expected) < 0.05 * largest && bits(rounded) != bits(found))
  }

  @Test func theToysMatricesTakeAdapters() throws {
    var toy = self
    toy.random = RandomModel(.smallToy, format: .q8_0, seed: 3)
    let model = try toy.random.model()
    let contents = toy.contents([.queryKeyValue, .output, .up, .down], rank: 17, seed: 4)
    let expected = try Engine(model: toy.merged([(contents, 0.3)]).model()).logits(Self.tokens)
    let found = try Engine(model: model).logits(Self.tokens, adapters: [AppliedAdapter(AdapterWeights(contents, name: "toy", model: model), scale: 0.3)])
    #expect(distance(found, expected) < 1e-3)
  }

  @Test(arguments: NumericProfile.allCases) func adaptersAreOfOneRequestAndChangeNoOther(profile: NumericProfile) throws {
    let model = try random.model()
    let first = AppliedAdapter(try AdapterWeights(contents([.query, .down], rank: 4, seed: 1), name: "first", model: model))
    let second = AppliedAdapter(try AdapterWeights(contents([.up, .query], rank: 8, seed: 2), name: "second", model: model), scale: 2)
    let lists = [[first], [], [first], [first], [second, first], [first, second], []]
    func alone(_ adapters: [AppliedAdapter]) throws -> [UInt32] { bits(try Engine(model: model, profile: profile).logits(Self.tokens, adapters: adapters)) }
    let expected = try lists.map(alone)
    #expect(Set(expected).count == 4, "order and adapters matter")
    for (threads, chunk) in [(1, 512), (2, 512), (2, 5), (3, 1)] {
      let engine = try Engine(model: model, threads: threads, profile: profile, chunkSize: chunk)
      let logits = try engine.step(lists.map { StepInput(tokens: Self.tokens, cache: try KeyValueCache(model: model), adapters: $0, logits: .all) })
      for (index, bitsAlone) in expected.enumerated() { #expect(logits.rows(of: index).flatMap { bits(logits[$0]) } == bitsAlone, "input \(index), chunks of \(chunk)") }
      // Only the last rows of the last block are computed here.
      let last = try engine.step(lists.enumerated().map { StepInput(tokens: Self.tokens, cache: try KeyValueCache(model: model), adapters: $1, logits: $0 == 2 ? .none : .last) })
      for (index, bitsAlone) in expected.enumerated() where index != 2 { #expect(bits(last.last(of: index)) == Array(bitsAlone.suffix(96)), "input \(index), chunks of \(chunk)") }
    }
  }

  @Test func adaptersOfSplitModelsTakeTheirLayersOnly() throws {
    let contents = contents([.query, .down], rank: 4, seed: 1)
    let whole = try random.model()
    let expected = bits(try Engine(model: whole).logits(Self.tokens, adapters: [AppliedAdapter(AdapterWeights(contents, name: "a", model: whole))]))
    let shares = try [0..<1, 1..<3].map { try random.model(layers: $0) }
    var hidden = try Engine(model: shares[0]).embed(Self.tokens, at: 0)
    for share in shares {
      let adapter = AppliedAdapter(try AdapterWeights(contents, name: "a", model: share))
      #expect(adapter.weights.moduleCount == 2 * share.layers.count)
      try Engine(model: share).run(share.layers, [LayerInput(rows: hidden.rows, cache: KeyValueCache(model: share), adapters: [adapter])], &hidden)
    }
    let engine = try Engine(model: shares[1])
    let logits = try engine.head(hidden)
    #expect((0..<logits.count).flatMap { bits(logits[$0]) } == expected)
  }

  @Test func refusesAnAdapterOfAnotherModel() throws {
    let (one, two) = (try random.model(), try random.model())
    let adapter = AppliedAdapter(try AdapterWeights(contents([.query], rank: 2, seed: 1), name: "mine", model: one))
    let error = #expect(throws: ModelFileError.self) { try Engine(model: two).logits([1], adapters: [adapter]) }
    #expect(error?.message.contains("mine was made for another model") == true)
  }

  @Test func refusesScalesThatAreNoNumbers() throws {
    let model = try random.model()
    let weights = try AdapterWeights(contents([.query], rank: 2, seed: 1), name: "mine", model: model)
    for scale in [Float.nan, .infinity] {
      #expect(throws: ModelFileError.self) { try Engine(model: model).logits([1], adapters: [AppliedAdapter(weights, scale: scale)]) }
    }
  }

  @Test func namesTheNearestModule() throws {
    let model = try random.model()
    let module = AdapterContents.Module(
      name: "model.layers.1.self_attn.q_prj", outputs: 96, inputs: 64, rank: 1, a: Array(repeating: 0, count: 64), b: Array(repeating: 0, count: 96))
    let error = #expect(throws: ModelFileError.self) { try AdapterWeights(AdapterContents(modules: [module]), name: "a", model: model) }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains("no module model.layers.1.self_attn.q_prj") == true && error?.message.contains("nearest: model.layers.1.self_attn.q_proj") == true)
  }

  @Test func refusesFactorsOfAnotherShape() throws {
    let model = try random.model()
    let module = AdapterContents.Module(
      name: "model.layers.1.self_attn.q_proj", outputs: 64, inputs: 64, rank: 1, a: Array(repeating: 0, count: 64), b: Array(repeating: 0, count: 64))
    let error = #expect(throws: ModelFileError.self) { try AdapterWeights(AdapterContents(modules: [module]), name: "a", model: model) }
    #expect(error?.message.contains("64 × 64 in the adapter, but 96 × 64 in the model") == true)
  }

  @Test func refusesAModuleThatComesTwice() throws {
    let model = try random.model()
    let one = contents([.query], rank: 1, seed: 1, layers: 0..<1)
    #expect(throws: ModelFileError.self) { try AdapterWeights(AdapterContents(modules: one.modules + one.modules), name: "a", model: model) }
  }

  /// DoRA, tensors saved whole and embeddings: each is sent to merging, by name.
  @Test func sendsWhatCannotRunBesideItsBaseToMerging() throws {
    let model = try random.model()
    func refusal(_ configuration: String, _ tensors: [(String, [Int])]) throws -> String {
      let json = #"{"peft_type":"LORA","r":2,"lora_alpha":2,"target_modules":["q_proj"]"# + configuration + "}"
      let file = safetensors(tensors)
      let adapter = try Adapter(configuration: Array(json.utf8), tensors: file, name: "a")
      let error = #expect(throws: ModelFileError.self) { try AdapterWeights(adapter, model: model) }
      #expect(error?.code == .unsupported && error?.message.contains("merge the adapter into the base first") == true)
      return error?.message ?? ""
    }
    let module = "base_model.model.model.layers.0.self_attn.q_proj"
    let factors = [(module + ".lora_A.weight", [2, 64]), (module + ".lora_B.weight", [96, 2])]
    #expect(try refusal(#","use_dora":true"#, factors + [(module + ".lora_magnitude_vector", [96])]).contains("DoRA"))
    #expect(try refusal(#","modules_to_save":["lm_head"]"#, factors + [("base_model.model.lm_head.weight", [96, 64])]).contains("lm_head.weight"))
    let embedding = "base_model.model.model.embed_tokens"
    #expect(try refusal("", [(embedding + ".lora_embedding_A", [2, 96]), (embedding + ".lora_embedding_B", [64, 2])]).contains("embedding"))
  }

  /// A file of zeros.
  func safetensors(_ tensors: [(String, [Int])]) -> [UInt8] {
    var (header, offset) = ([String](), 0)
    for (name, shape) in tensors {
      let end = offset + 4 * shape.reduce(1, *)
      header.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    let text = Array(("{" + header.joined(separator: ",") + "}").utf8)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + [UInt8](repeating: 0, count: offset)
  }
}
