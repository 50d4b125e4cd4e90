public import CentramPluginAPI
internal import Synchronization

/// Finds, checks and loads plugins and makes instances of them. It loads only what is asked for, and never unloads.
///
/// It may be used from any thread. A plugin's own code is never called while the host's state is locked.
public final class PluginHost: Sendable {
  public let configuration: HostConfiguration
  let services: any HostServices
  /// One plugin is loaded at a time; the state below stays readable meanwhile.
  private let loading = Mutex(())
  private let state: Mutex<State>

  private struct State {
    var registry = PluginRegistry()
    /// Of what was found and not loaded.
    var inspections: [String: Inspection] = [:]
    var capabilities: [String: Capability] = [:]
    /// Of what makes instances: by what was read then, trust in it is judged again.
    var loaded: [String: Inspection] = [:]
    var trust: TrustPolicy
  }

  public init(configuration: HostConfiguration, services: any HostServices = DefaultHostServices()) {
    (self.configuration, self.services) = (configuration, services)
    state = Mutex(State(trust: configuration.trust))
  }

  /// What is known now.
  public func snapshot() -> PluginRegistry { state.withLock { $0.registry } }

  /// Looks for plugins in all places and reads each `plugin.json`. May be called again: new plugins are added, loaded
  /// ones stay as they are.
  /// - Parameter trust: what counts from now on. A loaded plugin that it refuses gives no more instances;
  ///   of one that it revokes the process is ended, and what asks before each use is refused. Nil: as before.
  @discardableResult public func discover(trust: TrustPolicy? = nil) -> PluginRegistry {
    loading.withLock { _ in
      if let trust { state.withLock { $0.trust = trust } }
      let places = Discovery(configuration: configuration).places()
      let old = snapshot().records
      var records: [PluginRecord] = [], inspections: [String: Inspection] = [:]
      for place in places {
        var inspection = inspection(place)
        var record = run(&inspection, upTo: .api)
        if let known = old.first(where: { $0.key == record.key && $0.id == record.id && $0.isInMemory && !$0.isFailed }) {
          record = known
        } else if place.isBare, record.reason == nil {
          // Only its descriptor knows a bare library's id, and that is in the library.
          record = run(&inspection, upTo: .interface)
        }
        if !record.isFailed { inspections[record.key] = inspection }
        record.isDisabled = configuration.disabled.contains(record.id)
        record.shadowedBy = records.first { $0.id == record.id && $0.version == record.version && record.version != nil && $0.shadowedBy == nil }?.path
        records.append(record)
      }
      // What is in memory stays known, also where its folder is gone or holds another version now.
      records += old.filter { known in known.isInMemory && !records.contains { $0.key == known.key } }
      for index in records.indices where records[index].isInMemory && !records[index].isFailed {
        let (loaded, trust) = state.withLock { [key = records[index].key] state in (state.loaded[key], state.trust) }
        let refusal = loaded?.refusal(under: trust)
        records[index].judgeAgain(refusal?.message)
        loaded?.withdraw(refusal?.code == .revoked ? refusal?.message : nil)
      }
      return state.withLock { state in
        state.registry.records = records
        state.inspections = inspections.filter { $0.value.capability == nil }
        for (key, inspection) in inspections where inspection.capability != nil { (state.capabilities[key], state.loaded[key]) = (inspection.capability, inspection) }
        return state.registry
      }
    }
  }

  /// Carries out the checks on a plugin's folder or a bare library, and takes nothing into the registry.
  /// - Parameter upTo: the last check; everything before `load` only reads.
  public func check(_ path: String, upTo last: PluginCheck = .fingerprint) -> PluginRecord {
    loading.withLock { _ in
      var inspection = inspection(Discovery(configuration: configuration).place(at: path))
      return run(&inspection, upTo: last)
    }
  }

  /// Loads the highest version of a plugin in a range, unless it is loaded already.
  /// - Throws: why it is refused; `restartNeeded` where too many versions of it are in memory.
  @discardableResult public func load(id: String, range: VersionRange = .any) throws(HostError) -> PluginRecord {
    guard let kind = snapshot().records.first(where: { $0.id == id })?.kind else {
      let ids = snapshot().records.map(\.id)
      throw HostError(.notFound, "no plugin has the id \(id)\(NearestName.hint(for: id, among: ids))")
    }
    return try load(kind: kind, name: "\(id)@\(range)").record
  }

  /// Loads what `resolve` finds. A version that turns out to be refused is passed over, and said so in the log.
  func load(kind: PluginKind, name: String) throws(HostError) -> (record: PluginRecord, capability: Capability) {
    try loading.withLock { (_) throws(HostError) in
      while true {
        let record = try snapshot().resolve(kind: kind, name: name)
        if let capability = state.withLock({ $0.capabilities[record.key] }) { return (record, capability) }
        let inMemory = snapshot().records.count { $0.id == record.id && $0.isInMemory && $0.placement == .inProcess }
        guard inMemory < configuration.versionLimit else {
          throw HostError(
            .restartNeeded, "\(inMemory) versions of \(record.id) are in memory, the limit is \(configuration.versionLimit), and none can be unloaded: restart needed")
        }
        let found = state.withLock { $0.inspections.removeValue(forKey: record.key) }
        var inspection = found ?? inspection(Discovery.Place(path: record.path, isBare: false, isOwnFolder: false))
        let loaded = run(&inspection, upTo: .interface), capability = inspection.capability
        state.withLock { state in
          state.registry.replace(record, with: loaded)
          (state.capabilities[loaded.key], state.loaded[loaded.key]) = (capability, capability == nil ? nil : inspection)
        }
        if let reason = loaded.reason { services.log(.warning, "\(record.title) is passed over: \(reason)") }
      }
    }
  }

  /// Ends the giving out of instances of a version; those made before go on.
  public func stop(id: String, version: SemanticVersion) { change(id, version) { $0.state = .stopped } }

  func didMakeInstance(_ record: PluginRecord) {
    guard let version = record.version else { return }
    change(record.id, version) { if $0.state == .loaded { $0.state = .running } }
  }

  private func change(_ id: String, _ version: SemanticVersion, _ body: (inout PluginRecord) -> Void) {
    state.withLock { state in
      let index = state.registry.records.firstIndex { $0.id == id && $0.version == version && $0.shadowedBy == nil }
      if let index { body(&state.registry.records[index]) }
    }
  }

  private func inspection(_ place: Discovery.Place) -> Inspection {
    var policy = state.withLock { $0.trust }
    policy.allowUnpackaged = policy.allowUnpackaged && place.isOwnFolder
    return Inspection(path: place.path, isBare: place.isBare, policy: policy, services: services, isolation: configuration.isolation)
  }

  /// Carries out checks and says in a record how far they came.
  private func run(_ inspection: inout Inspection, upTo last: PluginCheck) -> PluginRecord {
    do throws(HostError) {
      try inspection.run(upTo: last)
      return PluginRecord(inspection, failure: nil)
    } catch { return PluginRecord(inspection, failure: error.message) }
  }
}
