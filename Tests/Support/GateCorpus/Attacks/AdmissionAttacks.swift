internal import CentramGenome
internal import CentramPluginAPI

extension GateAttack {
  private static let layer = "gate.admission"

  public static let admission: [GateAttack] = [
    GateAttack("an eleventh genome in a day", layer) { world in
      world.standings[CorpusKey(1).hex] = AuthorStanding(accepted: 10, admissions: (0..<10).map { world.now - 3_600_000 + $0 })
      return world.next().sealed()
    },
    GateAttack("forty-one genomes in a day from keys that one inviter let in", layer) { world in
      world.standings[CorpusKey(1).hex] = AuthorStanding(accepted: 1, branch: CorpusKey(60).hex, branchAdmissions: (0..<40).map { world.now - 60_000 + $0 })
      return world.next().sealed()
    },
    GateAttack("a branch of Sybils that has its share of influence", layer) { world in
      world.standings[CorpusKey(1).hex] = AuthorStanding(accepted: 1, branch: CorpusKey(60).hex, branchInfluence: 5, influence: 25, branches: 5)
      return world.next().sealed()
    },
    GateAttack("another's update with its factors rotated", layer) { world in world.draft(author: 50, seed: 0).weights(copy(world) { rotated($0) }).sealed() },
    GateAttack("another's update at twice the size", layer) { world in
      world.draft(author: 50, seed: 0).weights(copy(world) { $0 }).configuration(world.shape.configuration(alpha: 4 * world.shape.rank)).sealed()
    },
    GateAttack("another's update with a little noise", layer) { world in
      var random = CorpusRandom(3)
      let noisy = copy(world) { it in
        var it = it
        for index in it.b.indices { it.b[index] += 0.0015 * random.normal() }
        return it
      }
      return world.draft(author: 50, seed: 0).weights(noisy).sealed()
    },
    GateAttack("another's update multiplied out, as a full delta", layer) { world in
      var draft = world.draft(author: 50, seed: 0)
      draft.kind = .fullDelta
      draft.weights = SafetensorsText.file(
        world.shape.factors(seed: 101).map { it in .init("\(it.module.name).weight", [it.module.outputs, it.module.inputs], product(it, rank: world.shape.rank)) })
      return draft.sealed()
    },
  ]

  /// The accepted update of seed 101 with its factors changed.
  private static func copy(_ world: CorpusWorld, _ change: (CorpusShape.Factors) -> CorpusShape.Factors) -> [UInt8] {
    world.shape.weights(world.shape.factors(seed: 101).map(change))
  }

  /// The same product from other factors: neighbouring ranks turned by an angle, the first scaled.
  private static func rotated(_ it: CorpusShape.Factors) -> CorpusShape.Factors {
    var result = it
    let rank = it.b.count / it.module.outputs
    let (c, s) = (Float(0.6), Float(0.8))
    for row in 0..<it.module.outputs {
      let (x, y) = (it.b[row * rank], it.b[row * rank + 1])
      (result.b[row * rank], result.b[row * rank + 1]) = (3 * (c * x - s * y), s * x + c * y)
    }
    for column in 0..<it.module.inputs {
      let (x, y) = (it.a[column], it.a[it.module.inputs + column])
      (result.a[column], result.a[it.module.inputs + column]) = ((c * x - s * y) / 3, s * x + c * y)
    }
    return result
  }

  private static func product(_ it: CorpusShape.Factors, rank: Int) -> [Float] {
    var result = [Float](repeating: 0, count: it.module.outputs * it.module.inputs)
    for row in 0..<it.module.outputs {
      for k in 0..<rank {
        let factor = 2 * it.b[row * rank + k]
        for column in 0..<it.module.inputs { result[row * it.module.inputs + column] += factor * it.a[k * it.module.inputs + column] }
      }
    }
    return result
  }
}
