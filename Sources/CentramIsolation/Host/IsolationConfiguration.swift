public import CentramPluginAPI

/// What a plugin's process may use, and how often it may end.
public struct IsolationConfiguration: Sendable {
  /// The program `centram-plugin-runner`.
  public var runner: String
  /// Private memory of a process, in bytes; 0: no limit. What the host shares with it does not count.
  public var memoryBytes: UInt64 = 4 << 30
  /// Processor time of a process in its life, in seconds; 0: no limit.
  public var cpuSeconds: UInt64 = 0
  /// Open descriptors of a process.
  public var descriptors: UInt64 = 512
  /// Seconds that a plugin may keep a call, the host's own part not counted: a tensor, a block, a verdict, a rule.
  public var callSeconds: [PluginKind: Double] = [.mergeOperator: 60, .gateLayer: 60, .economyRule: 2, .trainer: 3600]
  /// Seconds to load, to set itself up and to make an instance.
  public var startSeconds = 20.0
  /// Calls under way at once.
  public var channels = 256
  /// Seconds before the first, second, … start after an end that nobody asked for; the last counts for all further ones.
  public var restartDelays: [Double] = [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
  /// A process that lived as long as this is taken for healthy: delays begin anew.
  public var healthySeconds = 30.0
  /// With so many ends in `failureSeconds` the plugin is given up.
  public var failureLimit = 12
  public var failureSeconds = 60.0
  /// Lines that a plugin may write to the host's log in a second; further ones are dropped.
  public var logLinesPerSecond = 200
  /// Whether a transport may ask for the node's secret seed, where the identity service gives it. Who has it is the node, to everybody else.
  public var exportsSeed = false
  /// Bytes of blocks, inputs and output, in one message of a merge.
  public var bytesAtOnce = 2 << 20
  /// Elements in one message of a merge whose inputs the process reads from files.
  public var elementsAtOnce = 256 << 10
  /// Passes over a tensor in one call of a merge operator.
  public var passes = 10_000

  public init(runner: String) { self.runner = runner }

  func callNanoseconds(_ kind: PluginKind) -> UInt64 { Self.nanoseconds(callSeconds[kind] ?? 60) }
  static func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, min(seconds, 1e9)) * 1e9) }
}
