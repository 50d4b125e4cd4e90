import CModelKernels
import CentramModel
import ModelGoldens
import Testing

/// The same bits, whatever runs beside them and however the work is cut.
@Suite struct InvarianceTests {
  struct Case: CustomStringConvertible, Sendable {
    let configuration: ModelConfiguration
    let format: WeightFormat
    let profile: NumericProfile
    var description: String { "\(configuration.family.name) \(format.name) \(profile.id)" }

    func model() throws -> LanguageModel { try RandomModel(configuration, format: format, seed: 11).model() }
    func engine(_ model: LanguageModel, threads: Int = 1, chunkSize: Int = 512) throws -> Engine {
      try Engine(model: model, threads: threads, profile: profile, chunkSize: chunkSize)
    }
  }

  static let cases: [Case] = [WeightFormat.f32, .bf16, .f16, .q8_0, .q4_0, .q4_1, .q5_0].flatMap { format in
    NumericProfile.allCases.flatMap { profile in
      [ModelConfiguration.small(.qwen2, bias: true), .smallToy].map { Case(configuration: $0, format: format, profile: profile) }
    }
  }

  static func tokens(_ count: Int, seed: UInt64 = 5) -> [Int32] {
    var random = SplitMix(state: seed)
    return random.tokens(count, below: 96)
  }

  @Test(arguments: cases) func chunksChangeNoBit(_ test: Case) throws {
    let model = try test.model()
    let tokens = Self.tokens(40)
    let expected = bits(try test.engine(model).logits(tokens))
    for chunk in [1, 7, 16] { #expect(bits(try test.engine(model, chunkSize: chunk).logits(tokens)) == expected, "chunks of \(chunk)") }
    // Steps of the caller's are chunks too.
    let engine = try test.engine(model)
    let cache = try KeyValueCache(model: model)
    var found: [UInt32] = []
    for part in [0..<1, 1..<8, 8..<24, 24..<40] {
      let logits = try engine.step([StepInput(tokens: Array(tokens[part]), cache: cache, logits: .all)])
      for row in 0..<logits.count { found += bits(logits[row]) }
    }
    #expect(found == expected)
  }

  @Test(arguments: cases.filter { $0.format == .q8_0 || $0.format == .f32 }) func chunksOf512ChangeNoBit(_ test: Case) throws {
    let model = try test.model()
    let tokens = Self.tokens(530)
    func last(_ engine: Engine) throws -> [UInt32] {
      try withExtendedLifetime(engine) { bits(try engine.step([StepInput(tokens: tokens, cache: KeyValueCache(model: model))]).last(of: 0)) }
    }
    let expected = try last(test.engine(model, chunkSize: 7))
    for chunk in [16, 512, 65_536] { #expect(try last(test.engine(model, chunkSize: chunk)) == expected, "chunks of \(chunk)") }
    #expect(try last(test.engine(model, threads: 2)) == expected)
  }

  @Test(arguments: cases) func threadsChangeNoBit(_ test: Case) throws {
    let model = try test.model()
    let tokens = Self.tokens(40)
    let expected = bits(try test.engine(model).logits(tokens))
    for threads in [2, 3] {
      for chunk in [1, 512] { #expect(bits(try test.engine(model, threads: threads, chunkSize: chunk).logits(tokens)) == expected, "\(threads) threads, chunks of \(chunk)") }
    }
  }

  @Test(arguments: cases) func strangersChangeNoBit(_ test: Case) throws {
    let model = try test.model()
    let tokens = Self.tokens(20)
    let engine = try test.engine(model, threads: 2)
    let expected = bits(try engine.logits(tokens))
    let cache = try KeyValueCache(model: model)
    let strangers = try (0..<3).map { _ in try KeyValueCache(model: model) }
    var found: [UInt32] = []
    for place in stride(from: 0, to: 20, by: 4) {
      // Before it and after it in the batch, with other lengths.
      let logits = try engine.step([
        StepInput(tokens: Self.tokens(place + 1, seed: 6), cache: strangers[0], logits: .all),
        StepInput(tokens: Array(tokens[place..<place + 4]), cache: cache, logits: .all),
        StepInput(tokens: Self.tokens(1, seed: 7), cache: strangers[1], logits: .none),
        StepInput(tokens: Self.tokens(9, seed: 8), cache: strangers[2], logits: .last),
      ])
      #expect(logits.count == place + 1 + 4 + 1 && logits.rows(of: 1) == place + 1..<place + 5 && logits.rows(of: 2).isEmpty)
      for row in logits.rows(of: 1) { found += bits(logits[row]) }
    }
    #expect(found == expected)
  }

  @Test(arguments: cases) func aSplitAtAnyLayerChangesNoBit(_ test: Case) throws {
    let random = RandomModel(test.configuration, format: test.format, seed: 11)
    let tokens = Self.tokens(20)
    let expected = bits(try test.engine(random.model()).logits(tokens))
    for split in 0...test.configuration.layers {
      // Each machine binds its own share; a share without layers is no share.
      let shares = [0..<split, split..<test.configuration.layers].filter { !$0.isEmpty }
      let engines = try shares.map { try test.engine(random.model(layers: $0), threads: 2, chunkSize: 9) }
      let caches = try engines.map { try KeyValueCache(model: $0.model) }
      var found: [UInt32] = []
      for part in [0..<13, 13..<14, 14..<20] {
        var hidden = try engines[0].embed(Array(tokens[part]), at: part.lowerBound)
        for (engine, cache) in zip(engines, caches) { try engine.run(engine.model.layers, [LayerInput(rows: part.count, cache: cache)], &hidden) }
        let logits = try engines[engines.count - 1].head(hidden)
        for row in 0..<logits.count { found += bits(logits[row]) }
      }
      #expect(found == expected, "split at \(split)")
    }
  }

  @Test(arguments: cases) func instructionSetsChangeNoBit(_ test: Case) throws {
    defer { mk_force_level(-1) }
    let model = try test.model()
    let tokens = Self.tokens(24)
    #expect(mk_force_level(Int32(MK_BASE)) != 0)
    let expected = bits(try test.engine(model).logits(tokens))
    for level in [MK_AVX2, MK_AVX512] where mk_force_level(Int32(level)) != 0 {
      #expect(bits(try test.engine(model).logits(tokens)) == expected, "level \(level)")
    }
  }

  @Test(arguments: cases.filter { $0.profile == .int8 }) func eightBitActivationsComeNear(_ test: Case) throws {
    let model = try test.model()
    let tokens = Self.tokens(24)
    let exact = try Engine(model: model).logits(tokens)
    let found = try test.engine(model).logits(tokens)
    if test.format.isQuantized {
      let error = zip(exact, found).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / exact.reduce(0) { $0 + $1 * $1 }
      #expect(error < 1e-3)
    } else {
      #expect(bits(exact) == bits(found))
    }
  }
}
