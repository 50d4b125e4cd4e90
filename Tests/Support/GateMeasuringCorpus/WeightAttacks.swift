internal import CentramGenome
internal import CentramPluginAPI
internal import CentramPluginTesting
public import GateCorpus

extension GateAttack {
  /// Against the layers that measure.
  public static let lastFive = norms + privacy + consensus + fitness + behaviour

  private static func scaled(_ factors: [CorpusShape.Factors], by factor: Float) -> [CorpusShape.Factors] {
    factors.map { it in
      var it = it
      it.b = it.b.map { $0 * factor }
      return it
    }
  }

  /// The first rank alone, at the size of all.
  private static func rankOne(_ it: CorpusShape.Factors) -> CorpusShape.Factors {
    var result = it
    let rank = it.b.count / it.module.outputs
    for row in 0..<it.module.outputs {
      for k in 0..<rank { result.b[row * rank + k] = k == 0 ? it.b[row * rank] * 2 : it.b[row * rank + k] * 0.001 }
    }
    return result
  }

  /// Accepted genomes with such norms and spectra.
  private static func history(_ world: inout CorpusWorld, norm: Double) {
    var measures: [String: Double] = [:]
    for module in world.shape.modules {
      measures["norm.\(module.name)"] = norm
      measures["sigma1.\(module.name)"] = 0.4
      measures["entropy.\(module.name)"] = 0.93
      measures["kurtosis.\(module.name)"] = 1.3
    }
    let accepted = (0..<20).map { _ in
      LineageEntry(id: "", author: "", parents: [], generation: 0, sequence: 1, previous: nil, unixMilliseconds: 1, domain: CorpusWorld.corpusDomain, measures: measures)
    }
    world.others["centram.lineage/1"] = MeasuredLineage(world: world, measured: accepted)
  }

  public static let norms: [GateAttack] = [
    GateAttack("an update boosted tenfold, to outweigh nine others in a mean", "gate.norms") { world in
      let factors = scaled(world.shape.factors(seed: 7), by: 10)
      return world.nextPrivate().weights(of: world, factors).sealed()
    },
    GateAttack("boosted by alpha, with factors of the usual size", "gate.norms") { world in
      var draft = world.nextPrivate()
      draft.configuration = world.shape.configuration(alpha: 40 * world.shape.rank)
      return draft.sealed()
    },
    GateAttack("a replacement as large as the model", "gate.norms") { world in
      let factors = scaled(world.shape.factors(seed: 8), by: 60)
      return world.nextPrivate().weights(of: world, factors).sealed()
    },
    GateAttack("one boosted matrix among honest ones", "gate.norms") { world in
      var factors = world.shape.factors(seed: 9)
      factors[4] = scaled([factors[4]], by: 8)[0]
      return world.nextPrivate().weights(of: world, factors).sealed()
    },
    GateAttack("boosted below the base's limit, beyond what was ever accepted", "gate.norms") { world in
      history(&world, norm: 0.2)
      return world.nextPrivate().sealed()
    },
    GateAttack("a rank-one backdoor of the usual size", "gate.norms") { world in
      history(&world, norm: 0.9)
      return world.nextPrivate().weights(of: world, world.shape.factors(seed: 10).map(rankOne)).sealed()
    },
  ]

  /// Half of the ranks from the one seed, half from the other: cosines of about a half between all that share one.
  private static func aligned(_ shape: CorpusShape, shared: UInt64, own: UInt64) -> [CorpusShape.Factors] {
    zip(shape.factors(seed: shared), shape.factors(seed: own)).map { common, other in
      var it = other
      let rank = shape.rank, half = rank / 2, inputs = it.module.inputs
      it.a.replaceSubrange(0..<(half * inputs), with: common.a[0..<(half * inputs)])
      for row in 0..<it.module.outputs { for k in 0..<half { it.b[row * rank + k] = common.b[row * rank + k] } }
      return it
    }
  }

  /// Ten members of the candidate's domain.
  private static func cohort(_ world: inout CorpusWorld, _ members: [[CorpusShape.Factors]]) {
    let shape = world.shape
    world.change("centram.updates/1", UpdateDouble.self) { double in
      double.members = members.enumerated().map { number, factors in
        .init(CorpusWorld.reference(UInt8(10 + number)), domain: CorpusWorld.corpusDomain, modules: CorpusWorld.updates(shape, factors))
      }
    }
  }

  private static func honest(_ shape: CorpusShape, _ count: Int) -> [[CorpusShape.Factors]] { (0..<count).map { aligned(shape, shared: 300, own: 400 + UInt64($0)) } }

  public static let consensus: [GateAttack] = [
    GateAttack("a sign flip against a cohort", "gate.consensus") { world in
      cohort(&world, honest(world.shape, 10))
      return world.nextPrivate().weights(of: world, scaled(aligned(world.shape, shared: 300, own: 501), by: -1)).sealed()
    },
    GateAttack("four of eleven who push their own direction together", "gate.consensus") { world in
      let shape = world.shape
      cohort(&world, honest(shape, 7) + (0..<3).map { aligned(shape, shared: 600, own: 610 + UInt64($0)) })
      return world.nextPrivate().weights(of: world, aligned(shape, shared: 600, own: 620)).sealed()
    },
    GateAttack("one of twenty copies that others sent, against nine honest ones", "gate.consensus") { world in
      let copy = world.shape.factors(seed: 700)
      cohort(&world, honest(world.shape, 9) + Array(repeating: copy, count: 20))
      return world.nextPrivate().weights(of: world, copy).sealed()
    },
    GateAttack("noise of the usual size", "gate.consensus") { world in
      cohort(&world, honest(world.shape, 10))
      return world.nextPrivate().weights(of: world, world.shape.factors(seed: 801)).sealed()
    },
    GateAttack("a sign flip where the node has only its own update", "gate.consensus") { world in
      let shape = world.shape
      world.change("centram.updates/1", UpdateDouble.self) { double in
        double.roots = [
          (
            RootUpdate(update: CorpusWorld.reference(2), domain: CorpusWorld.corpusDomain, sequences: 200),
            CorpusWorld.updates(shape, aligned(shape, shared: 300, own: 301))
          )
        ]
      }
      return world.nextPrivate().weights(of: world, scaled(aligned(shape, shared: 300, own: 502), by: -1)).sealed()
    },
  ]
}

extension GenomeDraft {
  func weights(of world: CorpusWorld, _ factors: [CorpusShape.Factors]) -> GenomeDraft {
    var draft = self
    draft.weights = world.shape.weights(factors)
    return draft
  }
}

/// A world's lineage, with measures of what was accepted.
private struct MeasuredLineage: LineageService {
  let world: CorpusWorld
  let measured: [LineageEntry]
  func ancestor(_ id: String) async throws(PluginError) -> LineageEntry? { try await world.ancestor(id) }
  func lastEntry(author: String) async throws(PluginError) -> LineageEntry? { try await world.lastEntry(author: author) }
  func isKnown(contentHash: [UInt8]) async throws(PluginError) -> Bool { try await world.isKnown(contentHash: contentHash) }
  func accepted(domain: String?, limit: Int) async throws(PluginError) -> [LineageEntry] { Array(measured.prefix(limit)) }
}
