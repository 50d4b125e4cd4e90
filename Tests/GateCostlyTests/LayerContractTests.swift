import CentramPluginAPI
import CentramPluginTesting
import CentramTrainingSupport
import Testing

@testable import GateLayers_Behaviour
@testable import GateLayers_Consensus
@testable import GateLayers_Fitness
@testable import GateLayers_Norms
@testable import GateLayers_Privacy

/// What holds for each of the five layers.
@Suite struct LayerContractTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let id: String, position: Int, directions: Set<GateDirection>
    let needed: [String]
    let make: @Sendable (GateHost) -> any GateLayer
    var testDescription: String { id }
  }

  static let cases = [
    Case(id: "gate.norms", position: 6, directions: [.inbound, .outbound], needed: ["centram.updates/1", "centram.lineage/1"]) { Norms(services: $0) },
    Case(id: "gate.privacy", position: 7, directions: [.inbound, .outbound], needed: ["centram.privacy-account/1"]) { Privacy(services: $0) },
    Case(id: "gate.consensus", position: 8, directions: [.inbound], needed: ["centram.updates/1"]) { Consensus(services: $0) },
    Case(id: "gate.fitness", position: 9, directions: [.inbound], needed: ["centram.fitness/1", "centram.evaluation/1"]) { Fitness(services: $0) },
    Case(id: "gate.behaviour", position: 10, directions: [.inbound], needed: ["centram.evaluation/1", "centram.behaviour/1"]) { Behaviour(services: $0) },
  ]

  /// One that every layer passes.
  static func genome() throws -> TestGenome { try TestGenome(Updates.adapter(norm: 0.1, seed: 1), privacy: PrivacyTests.record()) }

  static func host() -> GateHost {
    var all = FitnessTests.honest.host
    all.services["centram.updates/1"] = UpdateDouble(
      baseNorms: Dictionary(uniqueKeysWithValues: Updates.modules.map { ($0, 4.0) }),
      roots: [(RootUpdate(update: Cohorts.reference(1), domain: "code", sequences: 300), Updates.adapter(norm: 0.1, seed: 1))])
    all.services["centram.lineage/1"] = LineageDouble()
    all.services["centram.behaviour/1"] = BehaviourDouble()
    all.services["centram.privacy-account/1"] = PrivacyAccountDouble(trained: PrivacyTests.training())
    return all
  }

  @Test(arguments: cases) func standsAtItsPlaceForItsDirections(it: Case) {
    let info = it.make(GateHost()).info
    #expect(info.position == it.position && info.directions == it.directions)
  }

  @Test(arguments: cases) func anHonestGenomePasses(it: Case) async throws {
    let genome = try Self.genome()
    for direction in it.directions {
      let verdict = try await it.make(Self.host()).judge(genome.candidate(direction))
      #expect(verdict.isAccepted, "\(verdict)")
      #expect(!verdict.evidence.isEmpty)
    }
  }

  @Test(arguments: cases) func aMissingServiceIsARefusalThatNamesIt(it: Case) async throws {
    let genome = try Self.genome()
    for id in it.needed {
      let error = await failure(it.make(Self.host().without(id)), genome.candidate(it.directions.contains(.outbound) ? .outbound : .inbound))
      #expect(error?.code == .unavailable, "\(id)")
      #expect(error?.message.contains(id) == true)
    }
  }

  @Test(arguments: cases) func everyNumberPassesAtItsLimitsAndNotBeyond(it: Case) async throws {
    let genome = try Self.genome()
    let layer = it.make(Self.host())
    for specification in layer.info.parameters where specification.type != .string {
      guard let limits = specification.limits else {
        Issue.record("\(specification.name) has no limits")
        continue
      }
      // Whether the verdict is another does not matter here, only what the policy's reader says.
      for value in [limits.lowerBound, limits.upperBound] where Self.isCheap(specification.name, value) {
        let error = await failure(layer, genome.candidate(policy: #"{"\#(specification.name)":\#(ParameterValue.number(value))}"#))
        #expect(error?.message.contains("not between") != true, "\(specification.name): \(value): \(error?.message ?? "")")
      }
      let step = specification.type == .integer ? 1 : max(1e-9, abs(limits.upperBound) * 1e-6)
      for value in [limits.lowerBound - step, limits.upperBound + step] {
        let error = await failure(layer, genome.candidate(policy: #"{"\#(specification.name)":\#(ParameterValue.number(value))}"#))
        #expect(error?.code == .invalid && error?.message.contains("\(specification.name) is") == true, "\(specification.name): \(value): \(error?.message ?? "")")
        #expect(error?.message.contains("not between") == true)
      }
    }
  }

  /// Upper limits of counts would make a debug build work for minutes.
  private static func isCheap(_ name: String, _ value: Double) -> Bool { !["resamples", "triggers", "prompts"].contains(name) || value < 1000 }

  @Test(arguments: cases) func unknownParametersAndOtherTypesAreErrors(it: Case) async throws {
    let genome = try Self.genome()
    let layer = it.make(Self.host()), first = layer.info.parameters.first { $0.type != .string }!.name
    for policy in [#"{"no_such":1}"#, #"{"\#(first)":"much"}"#, #"{"\#(first)":true}"#, #"{"\#(first)":1e999}"#, "[]", "{", "", #"{"\#(first)":1,"\#(first)":1}"#] {
      let error = await failure(layer, genome.candidate(policy: policy))
      #expect(error?.code == .invalid && error?.message.contains(it.id) == true, "\(policy): \(error?.message ?? "a verdict")")
    }
  }

  @Test(arguments: cases) func unknownWordsAreErrors(it: Case) async throws {
    let genome = try Self.genome()
    let layer = it.make(Self.host())
    for specification in layer.info.parameters where specification.type == .string {
      let error = await failure(layer, genome.candidate(policy: #"{"\#(specification.name)":"other"}"#))
      #expect(error?.code == .invalid && error?.message.contains("known are") == true)
    }
  }

  @Test(arguments: cases) func aManifestThatCannotBeReadIsAnError(it: Case) async throws {
    let genome = try Self.genome()
    let whole = genome.candidate()
    let broken = GenomeCandidate(
      direction: .inbound, contentHash: whole.contentHash, manifest: Array(whole.manifest.dropLast()), manifestSignature: whole.manifestSignature,
      adapterConfiguration: whole.adapterConfiguration, weights: whole.weights)
    guard it.id != "gate.behaviour" else { return }  // It reads no manifest.
    let error = await failure(it.make(Self.host()), broken)
    #expect(error?.code == .invalid)
  }

  @Test(arguments: cases) func theSameQuestionHasTheSameAnswer(it: Case) async throws {
    let genome = try Self.genome()
    let one = try await it.make(Self.host()).judge(genome.candidate()), again = try await it.make(Self.host()).judge(genome.candidate())
    #expect(one == again)
  }

  @Test func aRankBeyondTheLimitIsRefusedBeforeAnyWork() async throws {
    // A and B of one column and one row, so that the file is small and rank × rank would not be.
    func genome(_ rank: Int) throws -> TestGenome {
      try TestGenome([
        ModuleUpdate(
          module: Updates.modules[0], outputs: 1, inputs: 1, scale: 1,
          factors: LowRankFactors(rank: rank, a: Array(repeating: 1e-6, count: rank), b: Array(repeating: 1e-6, count: rank)))
      ])
    }
    for layer in [Norms(services: Self.host()) as any GateLayer, Consensus(services: Self.host())] {
      let beyond = try genome(1_000_000)
      let error = await failure(layer, beyond.candidate())
      #expect(error?.code == .unsupported && error?.message.contains("up to rank 1024") == true)
    }
    let at = try genome(64)
    let error = await failure(Norms(services: Self.host()), at.candidate())
    #expect(error == nil)
  }

  @Test(arguments: cases) func damagedGenomesAreJudgedOrRefused(it: Case) async throws {
    let whole = try Self.genome()
    let layer = it.make(Self.host())
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: whole.weights.count, alignment: 64)
    defer { weights.deallocate() }
    var (random, refused) = (TestRandom(77), 0)
    for _ in 0..<200 {
      weights.copyMemory(from: UnsafeRawBufferPointer(whole.weights))
      var (manifest, configuration, length) = (whole.manifest, whole.configuration, weights.count)
      for _ in 0...Int(random.next() % 3) {
        let (place, byte) = (Int(random.next() >> 1), UInt8(truncatingIfNeeded: random.next()))
        switch random.next() % 5 {
        case 0: manifest[place % manifest.count] = byte
        case 1: configuration[place % configuration.count] = byte
        case 2: weights[place % min(1000, weights.count)] = byte
        case 3: weights[place % weights.count] = byte
        default: length = place % (weights.count + 1)
        }
      }
      let candidate = GenomeCandidate(
        direction: .inbound, contentHash: whole.contentHash, manifest: manifest, manifestSignature: Array(repeating: 0, count: 64), adapterConfiguration: configuration,
        weights: UnsafeRawBufferPointer(rebasing: weights[..<length]))
      if await failure(layer, candidate) != nil { refused += 1 }
    }
    // Layers that read no weights pass more; those that read everything refuse most.
    if ["gate.norms", "gate.consensus"].contains(it.id) { #expect(refused > 80, "\(refused) of 200") }
  }
}
