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

/// All ten layers in their order, through the door that a host takes them through; the first refusal stops.
@Suite struct CorpusTests {
  struct Found: Sendable { let layer: String, words: String }

  /// The layer that refuses, and why; nil where all pass.
  static func refusal(_ genome: CorpusGenome, _ direction: GateDirection, in world: CorpusWorld, without: String? = nil) async throws -> Found? {
    let descriptors = [
      GateLayers_Format.centramPluginDescriptor(), GateLayers_Signature.centramPluginDescriptor(), GateLayers_Freshness.centramPluginDescriptor(),
      GateLayers_Lineage.centramPluginDescriptor(), GateLayers_Admission.centramPluginDescriptor(), GateLayers_Norms.centramPluginDescriptor(),
      GateLayers_Privacy.centramPluginDescriptor(), GateLayers_Consensus.centramPluginDescriptor(), GateLayers_Fitness.centramPluginDescriptor(),
      GateLayers_Behaviour.centramPluginDescriptor(),
    ]
    let weights = UnsafeMutableRawBufferPointer.allocate(byteCount: genome.weights.count, alignment: 64)
    weights.copyBytes(from: genome.weights)
    defer { weights.deallocate() }
    let candidate = GenomeCandidate(
      direction: direction, contentHash: genome.contentHash, manifest: genome.manifest, manifestSignature: genome.signature, adapterConfiguration: genome.configuration,
      weights: UnsafeRawBufferPointer(weights))
    for descriptor in descriptors {
      let id = String(cString: descriptor.pointee.id)
      let box = try #require(descriptor.pointee.get_interface("centram.swift/1"))
      guard case .gateLayer(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability else { return Found(layer: id, words: "no layer") }
      let layer = try make(PluginEnvironment(services: world))
      guard id != without, layer.info.directions.contains(direction) else { continue }
      do throws(PluginError) {
        let verdict = try await layer.judge(candidate)
        if let reason = verdict.rejection ?? verdict.quarantine { return Found(layer: id, words: reason) }
      } catch { return Found(layer: id, words: error.message) }
    }
    return nil
  }

  @Test(arguments: GateAttack.lastFive) func everyAttackIsStoppedByItsLayerAndPassesWithoutIt(attack: GateAttack) async throws {
    var world = CorpusWorld.measured()
    let genome = attack.make(&world)
    let stopped = try await Self.refusal(genome, attack.direction, in: world), passed = try await Self.refusal(genome, attack.direction, in: world, without: attack.layer)
    #expect(stopped?.layer == attack.layer, "\(attack): \(stopped?.layer ?? "nobody"): \(stopped?.words ?? "")")
    if attack.covers.isEmpty {
      #expect(passed == nil, "\(attack): \(passed?.layer ?? ""): \(passed?.words ?? "")")
    } else {
      #expect(attack.covers.contains(passed?.layer ?? "nobody"), "\(attack)")
    }
  }

  @Test func eachLayerHasFiveAttacksOrMore() {
    for layer in ["gate.norms", "gate.privacy", "gate.consensus", "gate.fitness", "gate.behaviour"] { #expect(GateAttack.lastFive.count { $0.layer == layer } >= 5, "\(layer)") }
    #expect(Set(GateAttack.lastFive.map(\.description)).count == GateAttack.lastFive.count)
  }

  @Test func honestGenomesPassAllTenBothWays() async throws {
    let world = CorpusWorld.measured()
    for seed in 200..<220 as Range<UInt64> {
      let genome = world.nextPrivate(seed % 3 + 1, seed: seed).sealed()
      for direction in [GateDirection.inbound, .outbound] {
        let found = try await Self.refusal(genome, direction, in: world)
        #expect(found == nil, "seed \(seed): \(found?.layer ?? ""): \(found?.words ?? "")")
      }
    }
  }
}
