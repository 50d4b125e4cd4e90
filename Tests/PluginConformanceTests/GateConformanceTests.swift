import CentramPluginAPI
import CentramPluginTesting
import GateCorpus
import GateLayers_Admission
import GateLayers_Behaviour
import GateLayers_Consensus
import GateLayers_Fitness
import GateLayers_Format
import GateLayers_Freshness
import GateLayers_Lineage
import GateLayers_Norms
import GateLayers_Privacy
import GateLayers_Signature
import GateMeasuringCorpus
import Testing

@Suite struct GateConformanceTests {
  nonisolated(unsafe) private static let descriptors: [UnsafePointer<centram_descriptor_t>] = [
    GateLayers_Format.centramPluginDescriptor(), GateLayers_Signature.centramPluginDescriptor(), GateLayers_Freshness.centramPluginDescriptor(),
    GateLayers_Lineage.centramPluginDescriptor(), GateLayers_Admission.centramPluginDescriptor(), GateLayers_Norms.centramPluginDescriptor(),
    GateLayers_Privacy.centramPluginDescriptor(), GateLayers_Consensus.centramPluginDescriptor(), GateLayers_Fitness.centramPluginDescriptor(),
    GateLayers_Behaviour.centramPluginDescriptor(),
  ]
  static let ids = descriptors.map { String(cString: $0.pointee.id) }

  /// - Parameter checks: nil: all.
  private func results(
    _ id: String, _ world: CorpusWorld, _ genome: CorpusGenome, only checks: Set<String>? = nil, isHonest: Bool = false
  ) async throws -> [ConformanceResult] {
    let descriptor = try #require(Self.descriptors.first { String(cString: $0.pointee.id) == id })
    guard case .gateLayer(let make) = try capability(descriptor) else { throw PluginError(.invalid, "\(id) is not a gate layer") }
    var options = GateLayerConformance.Options()
    options.samples = [
      GateSample(contentHash: genome.contentHash, manifest: genome.manifest, signature: genome.signature, configuration: genome.configuration, weights: genome.weights)
    ]
    (options.expectsAcceptance, options.promptness) = (isHonest, .seconds(60))
    if !isHonest { options.damagedGenomes = 0 }
    var services: [String: any Sendable] = [:]
    for service in [
      "clock", "lineage", "base", "authors", "ancestry", "sketches", "updates", "evaluation", "fitness", "behaviour", "privacy-account",
    ] { services["centram.\(service)/1"] = world.service("centram.\(service)/1") }
    return await GateLayerConformance(options: options, services: services, make: make).run(only: checks)
  }

  @Test(arguments: ids) func everyGateLayerKeepsItsPromises(id: String) async throws {
    // A node that has lived, and what an honest author sends it next.
    let world = CorpusWorld.measured()
    let results = try await results(id, world, world.nextPrivate().sealed(), isHonest: true)
    #expect(results.count == GateLayerConformance.checkNames.count)
    #expect(results.filter(\.failed) == [])
    #expect(results.count { $0.outcome == .passed } > 13)
  }

  @Test(arguments: ids) func everyGateLayerSaysWhyUnderTheAttacksThatItStops(id: String) async throws {
    let attacks = (GateAttack.firstFive + GateAttack.lastFive).filter { $0.layer == id }
    #expect(attacks.count > 2)
    for attack in attacks {
      var world = CorpusWorld.measured()
      let genome = attack.make(&world)
      let results = try await results(id, world, genome, only: ["reason", "evidence"])
      #expect(results.count == 2 && results.filter(\.failed) == [], "\(attack)")
    }
  }
}

/// The suite's own tests: it is none if it lets wrong layers pass.
@Suite struct WrongGateLayerTests {
  static func suite(_ mutation: GateMutation?) -> GateLayerConformance {
    let memory = WrongMemory()
    var options = GateLayerConformance.Options()
    (options.samples, options.expectsAcceptance) = (WrongGateLayer.samples, mutation == nil || mutation == .refusesTheHonest)
    (options.promptness, options.timeLimit) = (.seconds(3), .seconds(120))
    return GateLayerConformance(options: options) { (environment) throws(PluginError) in try WrongGateLayer(mutation, environment, memory) }
  }

  @Test func theRightLayerPasses() async { #expect(await Self.suite(nil).failures() == []) }

  @Test func eachCheckFindsAFaultThatNoOtherFinds() async throws {
    var report = MutationReport()
    for mutation in GateMutation.allCases {
      let failed = Set(await Self.suite(mutation).failures().map(\.check))
      #expect(failed.contains(mutation.caughtBy), "\(mutation) was not caught by \(mutation.caughtBy), only by \(failed.sorted())")
      report.add(mutation.rawValue, failed)
    }
    // Whoever changes its mind on the spot may do so in company too.
    #expect(report.notCaughtAlone(GateLayerConformance.checkNames.filter { $0 != "repeatable" }) == [], "\(report)")
  }
}
