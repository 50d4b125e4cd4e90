internal import CentramGenome
public import CentramPluginAPI
public import CentramStore

/// `centram.lineage/1` over the store.
///
/// A genome that lies here unjudged is an ancestor like others, but does not count as known, and its author's log stands where the gate left it: so the
/// candidate itself is new to the layers that judge it.
public struct StoredLineage: LineageService {
  private let store: GenomeStore
  public init(store: GenomeStore) { self.store = store }

  /// Most entries of one answer.
  public static let maximumEntries = 10_000

  public func ancestor(_ id: String) async throws(PluginError) -> LineageEntry? { try Self.reporting { () throws(StoreError) in try entry(id) } }

  public func lastEntry(author: String) async throws(PluginError) -> LineageEntry? {
    try Self.reporting { () throws(StoreError) in
      guard let last = try store.log(of: author) else { return nil }
      return try entry(last.lastID)
    }
  }

  public func isKnown(contentHash: [UInt8]) async throws(PluginError) -> Bool {
    try Self.reporting { () throws(StoreError) in try store.wasJudged(Hexadecimal.text(contentHash)) }
  }

  public func accepted(domain: String?, limit: Int) async throws(PluginError) -> [LineageEntry] {
    guard limit > 0 else { return [] }
    return try Self.reporting { () throws(StoreError) in
      let records = try store.genomes(state: .accepted, domain: domain, limit: min(limit, Self.maximumEntries)), measures = try store.metrics(of: records.map(\.id))
      return records.map { LineageEntry($0, measures: measures[$0.id] ?? [:]) }
    }
  }

  private func entry(_ id: String) throws(StoreError) -> LineageEntry? {
    do throws(StoreError) { return try entry(try store.genome(id)) } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  private func entry(_ record: GenomeRecord) throws(StoreError) -> LineageEntry { LineageEntry(record, measures: try store.metrics(of: record.id)) }

  /// Gives the store's errors the words of a service.
  static func reporting<Value>(_ body: () throws(StoreError) -> Value) throws(PluginError) -> Value {
    do throws(StoreError) { return try body() } catch { throw PluginError(.inputOutput, error.message) }
  }
}

extension LineageEntry {
  init(_ record: GenomeRecord, measures: [String: Double]) {
    self.init(
      id: record.id, author: record.author, parents: record.parents.map { .init(id: $0.id, basisPoints: $0.basisPoints) }, generation: record.generation,
      sequence: record.sequence, previous: record.previous, unixMilliseconds: record.madeMilliseconds, domain: record.domain, measures: measures)
  }
}
