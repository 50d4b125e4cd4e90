import CentramModel
import Testing

@Suite struct HostileModelTests {
  static let hostile: [(String, @Sendable (inout ModelConfiguration) -> Void)] = [
    ("no layers", { $0.layers = 0 }), ("layers below zero", { $0.layers = -5 }), ("very many layers", { $0.layers = .max }),
    ("no heads", { $0.heads = 0 }), ("heads that cannot share", { $0.heads = 5 }), ("no key-value heads", { $0.keyValueHeads = 0 }),
    ("more key-value heads than heads", { $0.keyValueHeads = 8 }), ("very many heads", { $0.heads = .max }),
    ("no head size", { $0.headSize = 0 }), ("an odd head size", { $0.headSize = 23 }), ("a very large head size", { $0.headSize = .max / 2 }),
    ("no width", { $0.hidden = 0 }), ("a very large width", { $0.hidden = .max }), ("a width below zero", { $0.hidden = .min }),
    ("no inner width", { $0.intermediate = 0 }), ("a very large inner width", { $0.intermediate = .max }),
    ("no vocabulary", { $0.vocabulary = 0 }), ("a very large vocabulary", { $0.vocabulary = .max }), ("another vocabulary", { $0.vocabulary = 97 }),
    ("no context", { $0.contextLength = 0 }), ("an epsilon that is no number", { $0.normEpsilon = .nan }), ("an epsilon below zero", { $0.normEpsilon = -1 }),
    ("no rotary positions", { $0.rope = nil }), ("theta 0", { $0.rope!.theta = 0 }), ("theta without end", { $0.rope!.theta = .infinity }),
    ("theta that is no number", { $0.rope!.theta = .nan }), ("factor 0", { $0.rope!.scaling = .linear(factor: 0) }),
    ("a factor that is no number", { $0.rope!.scaling = .llama3(factor: .nan, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 64) }),
    ("frequency factors the wrong way", { $0.rope!.scaling = .llama3(factor: 8, lowFrequencyFactor: 4, highFrequencyFactor: 1, originalContext: 64) }),
    ("more layers than tensors", { $0.layers = 4 }), ("another width", { $0.hidden = 96 }), ("another inner width", { $0.intermediate = 64 }),
    ("biases that are not there", { $0.hasAttentionBias = true }), ("heads that are not there", { $0.heads = 8 }),
  ]

  @Test(arguments: hostile.indices) func refusesConfigurationsThatDoNotFit(index: Int) throws {
    let random = RandomModel(.small())
    var configuration = random.configuration
    Self.hostile[index].1(&configuration)
    let error = #expect(throws: ModelFileError.self, "\(Self.hostile[index].0)") { try LanguageModel(configuration: configuration, weights: random) }
    #expect(error?.code == .malformed || error?.code == .unsupported)
  }

  /// Every tensor taken away, and every tensor one row larger.
  @Test(arguments: [ModelConfiguration.small(.qwen2, bias: true), .smallToy]) func namesWhatIsMissingOrHasAnotherShape(configuration: ModelConfiguration) throws {
    let random = RandomModel(configuration)
    for name in random.tensorNames {
      let tensor = random.tensors[name]!
      random.tensors[name] = nil
      let missing = #expect(throws: ModelFileError.self) { try random.model() }
      #expect(missing?.message.contains("\(name) is missing") == true)
      random.set(name, [tensor.shape[0] + 1] + tensor.shape.dropFirst(), tensor.values + tensor.values.prefix(tensor.shape.dropFirst().reduce(1, *)))
      let wrong = #expect(throws: ModelFileError.self) { try random.model() }
      #expect(wrong?.code == .malformed && wrong?.message.contains(name) == true)
      random.set(name, [1] + tensor.shape, tensor.values)
      #expect(throws: ModelFileError.self) { try random.model() }
      random.tensors[name] = tensor
    }
    _ = try random.model()
  }

  @Test func refusesBiasesThatTheConfigurationDenies() throws {
    let random = RandomModel(.small(bias: true))
    var configuration = random.configuration
    configuration.hasAttentionBias = false
    let error = #expect(throws: ModelFileError.self) { try LanguageModel(configuration: configuration, weights: random) }
    #expect(error?.message.contains("attention has no biases") == true)
  }

  /// NaN and infinite weights give NaN logits, not a crash.
  @Test func survivesWeightsThatAreNoNumbers() throws {
    for value in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
      let random = RandomModel(.small())
      for name in random.tensorNames where name.contains("layers.1") {
        let tensor = random.tensors[name]!
        random.set(name, tensor.shape, tensor.values.map { _ in value })
      }
      for profile in NumericProfile.allCases { #expect(try Engine(model: random.model(), profile: profile).logits([1, 2, 3]).count == 3 * 96) }
    }
  }

  @Test func anyNumbersInAConfigurationAreAnErrorOrAModel() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SplitMix(state: seed)
    let source = RandomModel(.small())
    func value(_ usual: Int) -> Int {
      switch random.next() % 8 {
      case 0: Int(bitPattern: UInt(random.next()))
      case 1: Int(random.next() % 5) - 2
      case 2: 1 << Int(random.next() % 63)
      case 3: usual + 1
      default: usual
      }
    }
    func double(_ usual: Double) -> Double {
      switch random.next() % 4 {
      case 0: Double(bitPattern: random.next())
      default: usual
      }
    }
    for _ in 0..<20_000 {
      var configuration = source.configuration
      configuration.layers = value(3)
      configuration.hidden = value(64)
      configuration.intermediate = value(96)
      configuration.heads = value(4)
      configuration.keyValueHeads = value(2)
      configuration.headSize = value(24)
      configuration.vocabulary = value(96)
      configuration.contextLength = value(640)
      configuration.rope = .init(
        theta: double(1e4), scaling: .llama3(factor: double(8), lowFrequencyFactor: double(1), highFrequencyFactor: double(4), originalContext: double(64)))
      do {
        let model = try LanguageModel(configuration: configuration, weights: source)
        if configuration.contextLength < 1 << 12 { #expect(try Engine(model: model).logits([1, 2]).count == 192) }
      } catch {
        #expect(error is ModelFileError, "seed \(seed): \(error)")
      }
    }
  }
}
