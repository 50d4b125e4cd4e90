import CentramGenome
import CentramNode
import CentramPluginAPI
import GateCorpus
import Testing

/// Each limit of each layer, and the next value beyond it.
@Suite struct LayerTests {
  private func isAccepted(_ genome: CorpusGenome, in world: CorpusWorld, _ policies: [String: String] = [:]) async throws -> Bool {
    try await judge(genome, in: world, policies: policies).isAccepted
  }

  @Test func aGenomeHasAsManyBytesAsAllowedAndNotOneMore() async throws {
    let world = CorpusWorld.lived(), genome = world.next().sealed()
    let size = genome.manifest.count + genome.configuration.count + genome.weights.count
    #expect(try await isAccepted(genome, in: world, ["gate.format": "{\"genome_limit\":\(size)}"]))
    let report = try await judge(genome, in: world, policies: ["gate.format": "{\"genome_limit\":\(size - 1)}"])
    #expect(report.outcome == .rejected(layer: "gate.format", reason: "the genome has \(size) bytes; \(size - 1) are allowed"))
  }

  @Test func aHeaderHasAsManyBytesAsAllowedAndNotOneMore() async throws {
    let world = CorpusWorld.lived(), genome = world.next().sealed()
    let length = genome.weights.prefix(8).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
    #expect(try await isAccepted(genome, in: world, ["gate.format": "{\"header_limit\":\(length)}"]))
    #expect(try await !isAccepted(genome, in: world, ["gate.format": "{\"header_limit\":\(length - 1)}"]))
  }

  @Test func rankSixtyFourPasses() async throws {
    let world = CorpusWorld.lived()
    var shape = world.shape
    shape.rank = 64
    var draft = world.next()
    (draft.weights, draft.configuration) = (shape.weights(shape.factors(seed: 7)), shape.configuration())
    #expect(try await isAccepted(draft.sealed(), in: world))
  }

  @Test func onlyTheElementTypesThatArePolicyPass() async throws {
    let world = CorpusWorld.lived(), genome = world.next().sealed()
    #expect(try await isAccepted(genome, in: world, ["gate.format": #"{"types":"F32"}"#]))
    #expect(try await !isAccepted(genome, in: world, ["gate.format": #"{"types":"F16,BF16"}"#]))
    let report = try await judge(genome, in: world, policies: ["gate.format": #"{"types":"F64"}"#])
    #expect(report.verdicts[0].decision == .reject(reason: "gate.format did not judge: gate.format: types has \"F64\"; there are F32, F16, BF16"))
  }

  @Test func aFullDeltaPassesWhereItsTensorsAreTheBases() async throws {
    let world = CorpusWorld.lived()
    var draft = world.next()
    draft.kind = .fullDelta
    var random = CorpusRandom(4)
    func tensor(_ name: String, _ shape: [Int]) -> SafetensorsText.Entry { .init(name, shape, (0..<shape.reduce(1, *)).map { _ in random.normal() }) }
    draft.weights = SafetensorsText.file(world.shape.parameters.map { tensor($0.name, $0.shape) })
    #expect(try await isAccepted(draft.sealed(), in: world))
    draft.weights = SafetensorsText.file([tensor("model.norm.weight", [world.shape.width + 1])])
    #expect(try await !isAccepted(draft.sealed(), in: world))
    var genome = draft.sealed()
    genome.configuration = world.shape.configuration()
    #expect(try await judge(genome, in: world).refusingLayer == "gate.format")
  }

  @Test func aDayOldAndFiveMinutesAheadPass() async throws {
    let world = CorpusWorld.lived()
    for (offset, passes) in [(-24 * 3_600_000, true), (-24 * 3_600_000 - 1, false), (5 * 60_000, true), (5 * 60_000 + 1, false)] as [(Int64, Bool)] {
      var draft = world.next()
      draft.madeMilliseconds = world.now + offset
      #expect(try await isAccepted(draft.sealed(), in: world) == passes, "\(offset)")
    }
  }

  @Test func aLogIsWalkedBackAsFarAsAllowed() async throws {
    var world = CorpusWorld.lived()
    // Entries 2 to 5 came and were refused, or never came: peers have them.
    var peer = world
    for seed in 30...33 as ClosedRange<UInt64> { peer.accept(peer.draft(author: 1, seed: seed).sealed()) }
    let genome = peer.draft(author: 1, seed: 40).sealed()
    #expect(try await judge(genome, in: world).outcome.isQuarantine)
    world.remote = peer.known
    #expect(try await isAccepted(genome, in: world))
    #expect(try await isAccepted(genome, in: world, ["gate.freshness": #"{"log_depth":4}"#]))
    #expect(try await judge(genome, in: world, policies: ["gate.freshness": #"{"log_depth":3}"#]).outcome.isQuarantine)
  }

  @Test func aNameOfAnotherLastEntryIsNoProofUntilThatEntryIsThere() async throws {
    var world = CorpusWorld.lived()
    let side = world.next(seed: 8).sealed()
    world.accept(world.next(seed: 9).sealed())
    var draft = world.next()
    draft.previous = side.id
    func isProof() async throws -> Bool {
      let report = try await judge(draft.sealed(), in: world)
      #expect(report.refusingLayer == "gate.freshness")
      return report.verdicts.last?.evidence.contains { $0.name == "fork" } ?? false
    }
    let before = try await isProof()
    world.remote[side.id] = try Manifest(parsing: side.manifest).lineageEntry
    let after = try await isProof()
    #expect(!before && after)
  }

  @Test func aForkIsNamedAsItsProof() async throws {
    var world = CorpusWorld.lived()
    let one = world.next(seed: 7), other = world.next(seed: 8)
    world.accept(other.sealed())
    let report = try await judge(one.sealed(), in: world)
    #expect(report.verdicts.last?.evidence.contains { $0.name == "fork" && $0.value.contains(one.id) && $0.value.contains(other.id) } == true)
  }

  @Test func eightParentsAndTwoHundredAndFiftySixGenerationsPass() async throws {
    var world = CorpusWorld.lived()
    var draft = world.next()
    let parent = GateAttack.chain(256, in: &world)
    draft.parents = [.init(id: parent, weight: 3000)] + (1...7).map { .init(id: GateAttack.strangerID($0), weight: 1000) }
    draft.generation = 256
    #expect(try await isAccepted(draft.sealed(), in: world))
    #expect(try await !isAccepted(draft.sealed(), in: world, ["gate.lineage": #"{"parents":7}"#]))
    #expect(try await !isAccepted(draft.sealed(), in: world, ["gate.lineage": #"{"depth":255}"#]))
    #expect(try await isAccepted(draft.sealed(), in: world, ["gate.lineage": #"{"visits":256}"#]))
    #expect(try await judge(draft.sealed(), in: world, policies: ["gate.lineage": #"{"visits":255}"#]).outcome.isQuarantine)
  }

  @Test func unknownAncestorsAreAskedForUpToTheLimit() async throws {
    var world = CorpusWorld.lived()
    var draft = world.next()
    let parent = GateAttack.chain(5, in: &world)
    (world.remote, world.known) = (world.known, world.known.filter { $0.value.author != CorpusKey(1000).hex })
    (draft.parents, draft.generation) = ([.init(id: parent, weight: 10_000)], 5)
    #expect(try await isAccepted(draft.sealed(), in: world, ["gate.lineage": #"{"fetches":5}"#]))
    #expect(try await judge(draft.sealed(), in: world, policies: ["gate.lineage": #"{"fetches":4}"#]).outcome.isQuarantine)
    world.missing = ["centram.ancestry/1"]
    #expect(try await judge(draft.sealed(), in: world).outcome.isQuarantine)
  }
}

extension GateReport.Outcome {
  var isQuarantine: Bool { if case .quarantined = self { true } else { false } }
}
