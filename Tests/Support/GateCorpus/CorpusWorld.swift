public import CentramGenome
public import CentramPluginAPI

/// A receiving node as gate layers see it: a value that tests set up and change.
public struct CorpusWorld: Sendable {
  public var shape: CorpusShape
  public var base = String(repeating: "b5", count: 32)
  /// Unix milliseconds.
  public var now: Int64 = 1_800_000_000_000
  /// By hash.
  public var bases: [String: [BaseParameter]]
  /// What the node knows, and what only its peers do.
  public var known: [String: LineageEntry] = [:], remote: [String: LineageEntry] = [:]
  public var judged: Set<[UInt8]> = []
  /// Id of each author's last entry.
  public var last: [String: String] = [:]
  public var standings: [String: AuthorStanding] = [:]
  public var revokedGenomes: [String: String] = [:]
  /// SHA-256 of the files that a merge gives, by the operator.
  public var merges: [String: [String: [UInt8]]] = [:]
  public var sketchKey: [UInt8] = Array(0..<32)
  public var updates: [KnownUpdate] = []
  /// Services that are not there, and those that others add or put in the place of these.
  public var missing: Set<String> = []
  public var others: [String: any Sendable] = [:]

  public init(shape: CorpusShape = .small) {
    self.shape = shape
    bases = [base: shape.parameters]
  }

  /// A world in which three authors have had genomes accepted.
  public static func lived(shape: CorpusShape = .small) -> CorpusWorld {
    var world = CorpusWorld(shape: shape)
    for number in 1...3 as ClosedRange<UInt64> { world.accept(world.draft(author: number, seed: 100 + number).sealed()) }
    world.now += 3_600_000
    return world
  }

  /// What an honest author would send next.
  public func draft(author: UInt64, seed: UInt64) -> GenomeDraft {
    let key = CorpusKey(author)
    let entry = last[key.hex].flatMap { known[$0] }
    var draft = GenomeDraft(
      key: key, configuration: shape.configuration(), weights: shape.weights(shape.factors(seed: seed)), base: base, madeMilliseconds: now - 60_000)
    (draft.sequence, draft.previous) = (Int64(entry?.sequence ?? 0) + 1, entry?.id)
    return draft
  }

  /// Lets a genome in, as a node does after its gate.
  public mutating func accept(_ genome: CorpusGenome) {
    guard let manifest = try? Manifest(parsing: genome.manifest) else { preconditionFailure("an accepted genome has a manifest") }
    known[manifest.id] = manifest.lineageEntry
    judged.insert(genome.contentHash)
    last[manifest.author] = manifest.id
    var standing = standings[manifest.author] ?? AuthorStanding()
    standing.accepted += 1
    standing.admissions.append(now)
    standings[manifest.author] = standing
    let sketch = genome.weights.withUnsafeBytes { weights -> UpdateSketch? in
      if manifest.kind == .fullDelta { return (try? SafetensorsView(weights)).map { UpdateSketch(delta: $0, key: sketchKey) } }
      return (try? AdapterMatrices(configuration: genome.configuration, weights: weights)).map { UpdateSketch($0, key: sketchKey) }
    }
    if let sketch { updates.insert(KnownUpdate(id: manifest.id, author: manifest.author, unixMilliseconds: now, sketch: sketch.values), at: 0) }
  }
}

extension Manifest {
  /// The genome as a node's lineage records it.
  public var lineageEntry: LineageEntry {
    LineageEntry(
      id: id, author: author, parents: parents.map { .init(id: $0.id, basisPoints: $0.weight) }, generation: generation, sequence: UInt64(sequence), previous: previous,
      unixMilliseconds: madeMilliseconds, domain: domain)
  }
}

extension CorpusWorld: HostServices {
  public func service(_ id: String) -> (any Sendable)? {
    if missing.contains(id) { return nil }
    if let other = others[id] { return other }
    let own: Set = ["centram.clock/1", "centram.lineage/1", "centram.base/1", "centram.authors/1", "centram.ancestry/1", "centram.sketches/1"]
    return own.contains(id) ? self : nil
  }
  public func log(_ level: LogLevel, _ message: String) {}
}

extension CorpusWorld: ClockService, BaseModelService, LineageService, AuthorService, AncestryService, SketchService {
  public var unixMilliseconds: Int64 { now }
  public var monotonicNanoseconds: UInt64 { UInt64(now) * 1_000_000 }

  public func parameters(ofBase hash: String) async throws(PluginError) -> [BaseParameter]? { bases[hash] }

  public func ancestor(_ id: String) async throws(PluginError) -> LineageEntry? { known[id] }
  public func lastEntry(author: String) async throws(PluginError) -> LineageEntry? { last[author].flatMap { known[$0] } }
  public func isKnown(contentHash: [UInt8]) async throws(PluginError) -> Bool { judged.contains(contentHash) }
  public func accepted(domain: String?, limit: Int) async throws(PluginError) -> [LineageEntry] {
    Array(updates.compactMap { known[$0.id] }.filter { domain == nil || $0.domain == domain }.prefix(limit))
  }

  public func standing(ofAuthor author: String) async throws(PluginError) -> AuthorStanding { standings[author] ?? AuthorStanding() }
  public func entry(author: String, sequence: UInt64) async throws(PluginError) -> LineageEntry? {
    known.values.first { $0.author == author && $0.sequence == sequence }
  }
  public func revocation(ofGenome id: String) async throws(PluginError) -> String? { revokedGenomes[id] }

  public func fetch(_ id: String) async throws(PluginError) -> LineageEntry? { remote[id] }
  public func remake(_ recipe: MergeRecipe) async throws(PluginError) -> [String: [UInt8]]? { merges[recipe.operatorID] }

  public var key: [UInt8] { sketchKey }
  public func known(base: String, except contentHash: [UInt8], limit: Int) async throws(PluginError) -> [KnownUpdate] {
    let id = Hexadecimal.text(contentHash)
    return Array(updates.filter { $0.id != id }.prefix(limit))
  }
}
