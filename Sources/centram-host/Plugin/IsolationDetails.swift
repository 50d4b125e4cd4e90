internal import CentramHost
internal import CentramLanes

/// How an isolated plugin is, for `plugin list` and `plugin info`.
struct IsolationDetails: Encodable {
  let state: String, pid: Int32?, layers: [String], residentBytes: Int64, restarts: Int, lastFailure: String?

  /// Nil for a plugin that has no process now.
  init?(_ record: PluginRecord) {
    guard let health = record.health else { return nil }
    (state, pid, layers, residentBytes) = (health.state.rawValue, health.pid, health.layers, health.residentBytes)
    (restarts, lastFailure) = (health.restarts, health.lastFailure)
  }

  /// `isolated: seccomp, landlock; running, 21 MiB, restarted 2 times, the last time it was ended by signal 11`.
  static func line(_ record: PluginRecord) -> String {
    guard record.placement == .isolated else { return "in process" }
    guard let details = IsolationDetails(record) else { return "isolated" }
    var parts = [details.state]
    if details.pid != nil { parts.append("\(details.residentBytes >> 20) MiB") }
    if details.restarts > 0 { parts.append("restarted \(details.restarts) times, the last time it \(details.lastFailure ?? "failed")") }
    return "isolated: \(details.layers.joined(separator: ", ")); \(parts.joined(separator: ", "))"
  }
}
