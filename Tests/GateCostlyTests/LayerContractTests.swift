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
}
