internal import CentramGenome
internal import CentramPluginAPI

extension GateAttack {
  private static let layer = "gate.lineage"

  public static let lineage: [GateAttack] = [
    GateAttack("an id that is not the content's hash", layer) { world in world.next().sealed { $0.id = String(repeating: "1d", count: 32) } },
    GateAttack("a genome that is its own parent", layer) { world in
      world.next().sealed { ($0.parents, $0.generation) = ([.init(id: $0.id, weight: 10_000)], 1) }
    },
    GateAttack("two genomes that are each other's parents", layer) { world in
      var draft = world.next()
      let parent = world.updates[0].id
      world.known[parent]?.parents = [.init(id: draft.id, basisPoints: 10_000)]
      world.known[parent]?.generation = 1
      (draft.parents, draft.generation) = ([.init(id: parent, weight: 10_000)], 2)
      return draft.sealed()
    },
    GateAttack("a circle of ancestors", layer) { world in
      let ids = world.updates.map(\.id)
      for (index, id) in ids.enumerated() { world.known[id]?.parents = [.init(id: ids[(index + 1) % ids.count], basisPoints: 10_000)] }
      var draft = world.next()
      (draft.parents, draft.generation) = ([.init(id: ids[0], weight: 10_000)], 1)
      return draft.sealed()
    },
    GateAttack("nine parents that share the royalties", layer) { world in
      var draft = world.next()
      for number in 0..<9 { draft.parents.append(.init(id: stranger(number, in: &world), weight: number == 0 ? 2000 : 1000)) }
      draft.generation = 1
      return draft.sealed()
    },
    GateAttack("a parent that stands twice", layer) { world in
      var draft = world.next()
      (draft.parents, draft.generation) = (Array(repeating: .init(id: world.updates[0].id, weight: 5000), count: 2), 1)
      return draft.sealed()
    },
    GateAttack("weights that sum to less than everything", layer) { world in
      var draft = world.next()
      (draft.parents, draft.generation) = ([.init(id: world.updates[0].id, weight: 4999), .init(id: world.updates[1].id, weight: 5000)], 1)
      return draft.sealed()
    },
    GateAttack("a generation too young for its parents", layer) { world in
      var draft = world.next()
      world.known[world.updates[0].id]?.generation = 2
      let parent = chain(2, in: &world)
      world.known[world.updates[0].id]?.parents = [.init(id: parent, basisPoints: 10_000)]
      (draft.parents, draft.generation) = ([.init(id: world.updates[0].id, weight: 10_000)], 1)
      return draft.sealed()
    },
    GateAttack("a parent that nobody has", layer) { world in
      var draft = world.next()
      (draft.parents, draft.generation) = ([.init(id: String(repeating: "0f", count: 32), weight: 10_000)], 1)
      return draft.sealed()
    },
    GateAttack("ancestors over 257 generations", layer) { world in
      var draft = world.next()
      (draft.parents, draft.generation) = ([.init(id: chain(257, in: &world), weight: 10_000)], 257)
      return draft.sealed()
    },
    GateAttack("ancestors over 257 generations that say they are two", layer) { world in
      var draft = world.next()
      let top = chain(257, in: &world)
      world.known[top]?.generation = 1
      (draft.parents, draft.generation) = ([.init(id: top, weight: 10_000)], 2)
      return draft.sealed()
    },
    GateAttack("a merge that leaves out one of the models that were merged", layer) { world in
      // The declared merge of the one parent gives other bytes than the genome has.
      world.merges["merge.linear"] = [GenomeKind.configurationFile: SHA256.digest(of: world.shape.configuration()), "adapter_model.safetensors": SHA256.digest(of: [1])]
      var draft = world.next()
      draft.recipe = .init(operator: "merge.linear", version: "1.0.0")
      (draft.parents, draft.generation) = ([.init(id: world.updates[0].id, weight: 10_000)], 1)
      return draft.sealed()
    },
    GateAttack("a merge by an operator that nobody has", layer) { world in
      var draft = world.next()
      draft.recipe = .init(operator: "merge.secret", version: "9.0.0")
      (draft.parents, draft.generation) = ([.init(id: world.updates[0].id, weight: 10_000)], 1)
      return draft.sealed()
    },
    GateAttack("a child of a genome that was revoked", layer) { world in
      var draft = world.next()
      world.revokedGenomes[world.updates[0].id] = "it does harm"
      (draft.parents, draft.generation) = ([.init(id: world.updates[0].id, weight: 10_000)], 1)
      return draft.sealed()
    },
  ]

  /// The id of one of the genomes that `chain` makes.
  public static func strangerID(_ number: Int) -> String { Hexadecimal.text(SHA256.digest(of: Array("stranger \(number)".utf8))) }

  /// A genome without parents that the node knows.
  private static func stranger(_ number: Int, in world: inout CorpusWorld) -> String {
    let id = strangerID(number)
    world.known[id] = LineageEntry(
      id: id, author: CorpusKey(1000).hex, parents: [], generation: 0, sequence: UInt64(number + 1), previous: nil, unixMilliseconds: world.now, domain: "prose.english")
    return id
  }

  /// The youngest of `count` generations, each the only parent of the next.
  public static func chain(_ count: Int, in world: inout CorpusWorld) -> String {
    for number in 0..<count {
      let id = stranger(number, in: &world)
      world.known[id]?.generation = number
      if number > 0 { world.known[id]?.parents = [.init(id: strangerID(number - 1), basisPoints: 10_000)] }
    }
    return strangerID(count - 1)
  }
}
