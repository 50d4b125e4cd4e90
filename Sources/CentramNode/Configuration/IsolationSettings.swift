public import CentramPluginAPI
internal import Foundation

/// What plugins in processes of their own may use, as the configuration's section `plugins.isolation` says; nil: as the isolation itself has it.
public struct IsolationSettings: Sendable, Equatable {
  /// The program `centram-plugin-runner`.
  public var runner: String?
  /// Private memory of a process, MiB.
  public var memoryMiB: Int?
  /// Processor time in the life of a process, seconds; 0: no limit.
  public var cpuSeconds: Int?
  /// How long a plugin may keep a call, by kind.
  public var callSeconds: [PluginKind: Double] = [:]
  /// Whether an isolated transport may have the node's secret seed.
  public var exportsSeed: Bool?

  public init() {}

  /// - Throws: `.configuration`, naming the key.
  init(_ section: [String: Any], _ reader: NodeConfiguration.Reader) throws(MergeError) {
    let place = "plugins.isolation."
    try reader.section(section, place, ["runner", "memoryMiB", "cpuSeconds", "callSeconds", "exportSeed"])
    if let value = section["runner"] {
      guard let path = value as? String, !path.isEmpty else { throw reader.error(place + "runner", "must be a program") }
      runner = (path as NSString).expandingTildeInPath
    }
    if let value = section["memoryMiB"] {
      guard let number = value as? Int, (64...1 << 20).contains(number) else { throw reader.error(place + "memoryMiB", "must be a whole number from 64 to \(1 << 20)") }
      memoryMiB = number
    }
    if let value = section["cpuSeconds"] {
      guard let number = value as? Int, (0...1_000_000_000).contains(number) else { throw reader.error(place + "cpuSeconds", "must be a whole number from 0 to 1000000000") }
      cpuSeconds = number
    }
    let calls = try reader.object(section["callSeconds"], place + "callSeconds") ?? [:]
    let kinds: [PluginKind] = [.mergeOperator, .gateLayer, .economyRule, .trainer]
    try reader.section(calls, place + "callSeconds.", kinds.map(\.rawValue))
    for (kind, value) in calls {
      guard let number = value as? Double, (0.001...1_000_000).contains(number) else {
        throw reader.error("\(place)callSeconds.\(kind)", "must be a number of seconds from 0.001 to 1000000")
      }
      callSeconds[PluginKind(rawValue: kind)] = number
    }
    exportsSeed = try section["exportSeed"].map { (value) throws(MergeError) in try reader.flag(value, place + "exportSeed") }
  }
}
