internal import CentramGenome

extension GateAttack {
  private static let layer = "gate.freshness"

  public static let freshness: [GateAttack] = [
    GateAttack("a genome sent a second time", layer) { world in
      let genome = world.next().sealed()
      world.accept(genome)
      return genome
    },
    GateAttack("content that was judged before, signed anew by another", layer) { world in
      let draft = world.next()
      world.accept(draft.sealed())
      return world.next(2).weights(draft.weights).sealed()
    },
    GateAttack("an older state of the author's log", layer) { world in
      for seed in 20...22 as ClosedRange<UInt64> { world.accept(world.draft(author: 1, seed: seed).sealed()) }
      var draft = world.next()
      (draft.sequence, draft.previous) = (2, world.last[CorpusKey(1).hex])
      world.known = world.known.filter { $0.value.sequence != 2 }
      return draft.sealed()
    },
    GateAttack("two genomes at one place of a log", layer) { world in
      let draft = world.next()
      world.accept(world.next(seed: 8).sealed())
      return draft.sealed()
    },
    GateAttack("a log that leaves the known one at its last entry", layer) { world in
      var draft = world.next()
      draft.previous = String(repeating: "0f", count: 32)
      return draft.sealed()
    },
    GateAttack("a log that leaves the known one further back", layer) { world in
      let side = world.next(seed: 8).sealed()
      world.accept(world.next(seed: 9).sealed())
      if let manifest = try? Manifest(parsing: side.manifest) { world.remote[manifest.id] = manifest.lineageEntry }
      var draft = world.next()
      (draft.sequence, draft.previous) = (3, side.id)
      return draft.sealed()
    },
    GateAttack("entries that nobody has, left out of the log", layer) { world in
      var draft = world.next()
      (draft.sequence, draft.previous) = (draft.sequence + 3, String(repeating: "0f", count: 32))
      return draft.sealed()
    },
    GateAttack("a genome held back for a day and an hour", layer) { world in
      var draft = world.next()
      draft.madeMilliseconds = world.now - 25 * 3_600_000
      return draft.sealed()
    },
    GateAttack("a genome from six minutes ahead", layer) { world in
      var draft = world.next()
      draft.madeMilliseconds = world.now + 6 * 60_000
      return draft.sealed()
    },
    GateAttack("a genome for a base that is not run here", layer) { world in
      var draft = world.next()
      draft.base = String(repeating: "e0", count: 32)
      return draft.sealed()
    },
    GateAttack("a genome of an author who forked the log before", layer) { world in
      world.standings[CorpusKey(1).hex]?.freeze = "two entries at 4"
      return world.next().sealed()
    },
  ]
}
