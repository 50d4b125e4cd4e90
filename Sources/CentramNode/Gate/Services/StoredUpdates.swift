internal import CentramGenome
public import CentramPluginAPI
public import CentramStore
internal import Synchronization

/// `centram.updates/1` over the store and the node's bases. Files are mapped, and a few stay open between questions.
public final class StoredUpdates: UpdateService {
  private let store: GenomeStore
  private let bases: NodeBases
  private let open = Mutex(OpenUpdates())

  public init(store: GenomeStore, bases: NodeBases) { (self.store, self.bases) = (store, bases) }

  /// Of the base of the genome that is being judged.
  public func baseNorm(module: String) async throws(PluginError) -> Double? {
    guard let context = GateContext.current else { throw PluginError(.unavailable, "centram.updates/1: no genome is being judged, so no base is asked about") }
    return try (context.transient?.bases ?? bases).norm(module, ofBase: context.base)
  }

  public func cohort(domain: String, beside contentHash: [UInt8], limit: Int) async throws(PluginError) -> [UpdateReference] {
    if let transient = GateContext.current?.transient { return transient.cohort(domain: domain, beside: contentHash, limit: limit) }
    return try StoredLineage.reporting { () throws(StoreError) in
      let known = try record(contentHash).map { GateContext(base: $0.base, author: $0.author) }
      // One that is only checked is no genome of the store.
      guard let candidate = known ?? GateContext.current else { return [] }
      return try store.cohort(domain: domain, base: candidate.base, exceptAuthor: candidate.author, limit: limit).map {
        UpdateReference(contentHash: Hexadecimal.bytes($0.id.utf8) ?? [], author: $0.author)
      }
    }
  }

  /// The newest genome of each domain that this node trained, on the base that is asked about, with the number of sequences that it was trained on.
  public func rootUpdates() async throws(PluginError) -> [RootUpdate] {
    let base = GateContext.current?.base
    return try StoredLineage.reporting { () throws(StoreError) in
      var domains = Set<String>(), roots: [RootUpdate] = []
      for record in try store.genomes(state: .own) where record.parents.isEmpty && (base == nil || record.base == base) && store.hasFiles(record) {
        guard let training = try store.training(of: record.id), domains.insert(record.domain).inserted else { continue }
        let reference = UpdateReference(contentHash: Hexadecimal.bytes(record.id.utf8) ?? [], author: record.author)
        roots.append(RootUpdate(update: reference, domain: record.domain, sequences: training.sequences))
      }
      return roots
    }
  }

  public func modules(of update: UpdateReference) async throws(PluginError) -> [String] { try stored(update).modules }

  public func module(_ name: String, of update: UpdateReference) async throws(PluginError) -> ModuleUpdate? { try stored(update).update(name) }

  private func record(_ contentHash: [UInt8]) throws(StoreError) -> GenomeRecord? {
    do throws(StoreError) { return try store.genome(Hexadecimal.text(contentHash)) } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  private func stored(_ update: UpdateReference) throws(PluginError) -> StoredUpdate {
    let id = Hexadecimal.text(update.contentHash)
    if let transient = GateContext.current?.transient?.updates[id] { return transient.stored }
    if let known = open.withLock({ $0[id] }) { return known }
    let record = try StoredLineage.reporting { () throws(StoreError) in try store.genome(id) }
    let made: StoredUpdate
    do throws(GenomePackageError) { made = try StoredUpdate(GenomeFiles(record, in: store), isAdapter: record.kind == GenomeKind.adapter.rawValue) } catch {
      throw PluginError(.inputOutput, error.message)
    }
    open.withLock { $0.add(made, id) }
    return made
  }
}

/// The updates that were last asked for.
private struct OpenUpdates {
  private var updates: [(id: String, update: StoredUpdate)] = []
  static let limit = 64

  subscript(id: String) -> StoredUpdate? { updates.first { $0.id == id }?.update }

  mutating func add(_ update: StoredUpdate, _ id: String) {
    updates.removeAll { $0.id == id }
    updates.append((id, update))
    if updates.count > Self.limit { updates.removeFirst() }
  }
}
