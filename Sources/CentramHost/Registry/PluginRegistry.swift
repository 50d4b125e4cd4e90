public import CentramLanes
public import CentramPluginAPI

/// How far a plugin has come.
public enum PluginState: Sendable, Equatable, CustomStringConvertible {
  /// Its `plugin.json` is in order; nothing of its library was read.
  case found
  /// Its library passed every check.
  case checked
  /// It is in this process and has been set up.
  case loaded
  /// An instance was made.
  case running
  /// It gives no more instances; those made before go on.
  case stopped
  /// The text says what was wrong.
  case failed(String)

  public var description: String {
    switch self {
    case .found: "found"
    case .checked: "checked"
    case .loaded: "loaded"
    case .running: "running"
    case .stopped: "stopped"
    case .failed: "failed"
    }
  }
}

/// What the host knows of one plugin in one place.
public struct PluginRecord: Sendable {
  /// The id, or the folder's name where `plugin.json` could not be read.
  public internal(set) var id: String
  public internal(set) var version: SemanticVersion?
  public internal(set) var kind: PluginKind
  public internal(set) var summary: String
  public internal(set) var lanes: Set<PluginManifest.Lane>
  /// Its folder, or a bare library.
  public let path: String
  /// Who signed it.
  public internal(set) var publisher: String?
  /// Where its code runs.
  public internal(set) var placement: Placement
  package private(set) var isolated: (any IsolatedPlugin)?
  public internal(set) var state: PluginState
  public internal(set) var checks: [CheckResult]
  /// Where the plugin of the same id and version lies that goes before this one.
  public internal(set) var shadowedBy: String?
  public internal(set) var isDisabled = false
  /// Why what is loaded is not trusted any more.
  private var withdrawal: String?

  /// Of its process, now; nil where it has none.
  public var health: PluginHealth? { isolated?.health }

  /// Why it cannot be used; nil where it can.
  public var reason: String? {
    if isDisabled { return "disabled in the configuration" }
    if let shadowedBy { return "shadowed by the same version in \(shadowedBy)" }
    if case .failed(let reason) = state { return reason }
    return state == .stopped ? withdrawal ?? "stopped" : nil
  }

  /// Stops what is refused now, and lets go on what was stopped for this alone.
  mutating func judgeAgain(_ refusal: String?) {
    if refusal != nil, state != .stopped || withdrawal != nil { (state, withdrawal) = (.stopped, refusal) }
    if refusal == nil, withdrawal != nil { (state, withdrawal) = (.loaded, nil) }
  }

  /// `merge.linear 1.0.0`.
  public var title: String { version.map { "\(id) \($0)" } ?? id }
  var key: String { "\(path)@\(version?.description ?? "")" }
  var isFailed: Bool { if case .failed = state { true } else { false } }
  /// Whether its library is in this process, for good, or in one of its own.
  var isInMemory: Bool { checks.contains { $0.check == .load && $0.outcome == .passed } }

  /// `linear` of `merge.linear`.
  public var shortName: String { String(id.split(separator: ".").last ?? "") }
}

extension PluginRecord {
  /// What an inspection found out.
  init(_ inspection: Inspection, failure: String?) {
    let manifest = inspection.manifest, description = inspection.description
    id = manifest?.id ?? description?.id ?? inspection.path.lastPathComponent
    version = manifest?.version ?? description.flatMap { try? SemanticVersion($0.version) }
    kind = manifest?.kind ?? PluginKind(rawValue: description?.kind ?? "unknown")
    summary = manifest?.summary ?? description?.summary ?? ""
    (lanes, path, publisher, checks) = (inspection.lanes, inspection.path, inspection.publisher?.name, inspection.results)
    (placement, isolated) = (inspection.placement, failure == nil ? inspection.isolated : nil)
    let passed = checks.map(\.check)
    state = failure.map { .failed($0) } ?? (passed.contains(.interface) ? .loaded : passed.contains(.fingerprint) ? .checked : .found)
  }
}

/// All plugins that a host found, in order of discovery: a value, as of one moment.
public struct PluginRegistry: Sendable {
  public internal(set) var records: [PluginRecord] = []

  /// The usable records of a kind.
  public func usable(_ kind: PluginKind? = nil) -> [PluginRecord] {
    records.filter { $0.reason == nil && (kind == nil || $0.kind == kind) }
  }

  /// Puts what is known now in the place of what was.
  mutating func replace(_ old: PluginRecord, with new: PluginRecord) {
    guard let index = records.firstIndex(where: { $0.key == old.key }) else { return }
    (records[index], records[index].isDisabled, records[index].shadowedBy) = (new, old.isDisabled, old.shadowedBy)
  }

  /// The highest version of an id in a range. Releases go before prereleases.
  public func best(id: String, in range: VersionRange = .any) -> PluginRecord? {
    usable().filter { record in record.id == id && record.version.map(range.contains) ?? false }
      .max { a, b in
        guard let x = a.version, let y = b.version else { return false }
        return (x.prerelease.isEmpty ? 1 : 0, x) < (y.prerelease.isEmpty ? 1 : 0, y)
      }
  }

  /// Finds the plugin that a user means: a full id, or the last part of one where no other plugin of the kind has the
  /// same; `-` and `_` are equal. Either may end with `@` and a version range.
  /// - Throws: `notFound` with the nearest name, `ambiguous` with the candidates, `disabled`, `wrongKind`, or the reason of
  ///   the check that refused all there is.
  public func resolve(kind: PluginKind, name: String) throws(HostError) -> PluginRecord {
    let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard !parts[0].isEmpty else { throw HostError(.invalid, "\"\(name)\" names no plugin") }
    let wanted = parts[0], range = parts.count == 2 ? try VersionRange(parts[1]) : .any
    let ofKind = records.filter { $0.kind == kind }
    let ids = Set(ofKind.map(\.id))
    let folded = wanted.replacing("_", with: "-")
    let matches = ids.contains(wanted) ? [wanted] : Set(ofKind.filter { $0.shortName.replacing("_", with: "-") == folded }.map(\.id)).sorted()
    guard matches.count <= 1 else {
      throw HostError(.ambiguous, "\(wanted) may be \(matches.joined(separator: " or ")); write the full id")
    }
    guard let id = matches.first else {
      if let other = records.first(where: { $0.id == wanted && $0.version != nil }) {
        throw HostError(.wrongKind, "\(wanted) is a \(other.kind), not a \(kind)")
      }
      // A folder that was refused before its id was known has the id in its name.
      if let refused = records.first(where: { $0.isFailed && $0.version == nil && $0.id.hasPrefix(wanted) }) { throw refusal(of: refused) }
      throw HostError(.notFound, missing(wanted, kind, ofKind))
    }
    if let best = best(id: id, in: range) { return best }
    throw unusable(id, range)
  }

  private func missing(_ wanted: String, _ kind: PluginKind, _ ofKind: [PluginRecord]) -> String {
    let words = kind.rawValue.replacing("-", with: " ")
    let names = ofKind.map { wanted.contains(".") ? $0.id : $0.shortName }
    if let near = NearestName.suggestion(for: wanted, among: names) { return "no \(words) named \(wanted); nearest: \(near)" }
    return "no \(words) named \(wanted); " + (names.isEmpty ? "there is none at all" : "there are \(Set(names).sorted().joined(separator: ", "))")
  }

  private func unusable(_ id: String, _ range: VersionRange) -> HostError {
    let all = records.filter { $0.id == id }
    let versions = all.compactMap(\.version)
    guard let record = all.first(where: { $0.shadowedBy == nil && ($0.version.map(range.contains) ?? true) }) else {
      return HostError(.notFound, "\(id) has no version in \(range); there are \(versions.map(\.description).joined(separator: ", "))")
    }
    if record.isDisabled { return HostError(.disabled, "\(id) is disabled in the configuration; take it out of the list of disabled plugins to use it") }
    return refusal(of: record)
  }

  private func refusal(of record: PluginRecord) -> HostError {
    let failed = record.checks.last { if case .failed = $0.outcome { true } else { false } }
    return HostError(failed.map { .init($0.check) } ?? .notFound, "\(record.title) cannot be used: \(record.reason ?? "no reason known") (\(record.path))")
  }
}
