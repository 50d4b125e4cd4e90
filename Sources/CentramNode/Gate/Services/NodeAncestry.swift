internal import CentramGenome
public import CentramPluginAPI
public import CentramStore

/// `centram.ancestry/1`: manifests from peers, and merges done again. How to reach peers and operators is told by closures; what comes is checked here.
public struct NodeAncestry: AncestryService {
  /// A serialized signed manifest of a genome's id; nil where nobody has it.
  public typealias Fetch = @Sendable (_ id: String) async throws -> [UInt8]?
  /// SHA-256 (32 bytes) of each file of a merge by its name; nil where it cannot be done here.
  public typealias Remake = @Sendable (MergeRecipe) async throws -> [String: [UInt8]]?

  private let store: GenomeStore
  private let clock: any ClockService
  private let fetching: Fetch, remaking: Remake
  private let log: @Sendable (LogLevel, String) -> Void

  public init(
    store: GenomeStore, clock: any ClockService, fetch: @escaping Fetch = { _ in nil }, remake: @escaping Remake = { _ in nil },
    log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in }
  ) {
    (self.store, self.clock, fetching, remaking, self.log) = (store, clock, fetch, remake, log)
  }

  /// What holds is kept, without files, so that it is asked for once, and two entries at one place of a log are found.
  public func fetch(_ id: String) async throws(PluginError) -> LineageEntry? {
    let bytes: [UInt8]?
    do { bytes = try await fetching(id) } catch {
      if error is CancellationError { throw PluginError(.cancelled, "cancelled while asking peers for \(id)") }
      log(.info, "asking peers for \(id): \(error)")
      return nil
    }
    guard let bytes else { return nil }
    let signed: SignedManifest
    do throws(GenomePackageError) { signed = try SignedManifest(bytes: bytes, name: "the manifest of \(id) from a peer") } catch {
      log(.warning, error.message)
      return nil
    }
    guard signed.manifest.id == id else {
      log(.warning, "a peer was asked for the manifest of \(id) and sent that of \(signed.manifest.id)")
      return nil
    }
    let record = signed.record(.received, now: clock.unixMilliseconds)
    do throws(StoreError) { _ = try store.add(record, signed: signed.bytes, requiringFiles: false) } catch {
      // The store takes nothing more of a frozen author; what the entry says stays true.
      guard error.code == .conflict else { throw PluginError(.inputOutput, error.message) }
    }
    return LineageEntry(record, measures: [:])
  }

  public func remake(_ recipe: MergeRecipe) async throws(PluginError) -> [String: [UInt8]]? {
    do { return try await remaking(recipe) } catch {
      if error is CancellationError { throw PluginError(.cancelled, "cancelled while \(recipe.operatorID) merged again") }
      throw error as? PluginError ?? PluginError(.internalFailure, "\(recipe.operatorID) \(recipe.operatorVersion) could not merge again: \(error)")
    }
  }
}
