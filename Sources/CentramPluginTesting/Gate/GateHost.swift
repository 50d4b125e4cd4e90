// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// A host for gate layers under test: services by id, no log.
public struct GateHost: HostServices {
  public var services: [String: any Sendable]
  public init(_ services: [String: any Sendable] = [:]) { self.services = services }
  public func service(_ id: String) -> (any Sendable)? { services[id] }
  public func log(_ level: LogLevel, _ message: String) {}

  /// Without one of them.
  public func without(_ id: String) -> GateHost { GateHost(services.filter { $0.key != id }) }
}

/// `centram.lineage/1` from a list, newest first.
public struct LineageDouble: LineageService {
  public var entries: [LineageEntry]
  public init(_ entries: [LineageEntry] = []) { self.entries = entries }
  public func ancestor(_ id: String) async throws(PluginError) -> LineageEntry? { entries.first { $0.id == id } }
  public func lastEntry(author: String) async throws(PluginError) -> LineageEntry? { entries.first { $0.author == author } }
  public func isKnown(contentHash: [UInt8]) async throws(PluginError) -> Bool { false }
  public func accepted(domain: String?, limit: Int) async throws(PluginError) -> [LineageEntry] {
    Array(entries.filter { domain == nil || $0.domain == domain }.prefix(limit))
  }
}

/// `centram.updates/1` from updates that are given whole.
public struct UpdateDouble: UpdateService {
  public struct Member: Sendable {
    public var reference: UpdateReference
    public var domain: String
    public var modules: [ModuleUpdate]
    public init(_ reference: UpdateReference, domain: String, modules: [ModuleUpdate]) { (self.reference, self.domain, self.modules) = (reference, domain, modules) }
  }

  public var baseNorms: [String: Double]
  /// Newest first.
  public var members: [Member]
  public var roots: [(root: RootUpdate, modules: [ModuleUpdate])]

  public init(baseNorms: [String: Double] = [:], members: [Member] = [], roots: [(root: RootUpdate, modules: [ModuleUpdate])] = []) {
    (self.baseNorms, self.members, self.roots) = (baseNorms, members, roots)
  }

  public func baseNorm(module: String) async throws(PluginError) -> Double? { baseNorms[module] }

  public func cohort(domain: String, beside contentHash: [UInt8], limit: Int) async throws(PluginError) -> [UpdateReference] {
    Array(members.filter { $0.domain == domain && $0.reference.contentHash != contentHash }.map(\.reference).prefix(limit))
  }

  public func rootUpdates() async throws(PluginError) -> [RootUpdate] { roots.map(\.root) }

  public func modules(of update: UpdateReference) async throws(PluginError) -> [String] { try find(update).map(\.module).sorted() }

  public func module(_ name: String, of update: UpdateReference) async throws(PluginError) -> ModuleUpdate? { try find(update).first { $0.module == name } }

  private func find(_ update: UpdateReference) throws(PluginError) -> [ModuleUpdate] {
    if let member = members.first(where: { $0.reference == update }) { return member.modules }
    if let root = roots.first(where: { $0.root.update == update }) { return root.modules }
    throw PluginError(.unavailable, "no such update")
  }
}
