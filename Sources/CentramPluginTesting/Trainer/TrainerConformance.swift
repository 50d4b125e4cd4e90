// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Judges any `Trainer` by what its protocol promises, on a model of 64 weights.
///
/// ```swift
/// let suite = TrainerConformance { (environment) throws(PluginError) in Descent() }
/// #expect(await suite.failures() == [])
/// ```
public struct TrainerConformance: ConformanceSuite {
  public struct Options: Sendable {
    /// Settings beside the suite's own `steps`, `batch`, `length`, `learning_rate`, `checkpoint_every`, `validate_every` and `warm_up`,
    /// each of which is given only where the trainer's description names it.
    public var settings: [String: ParameterValue] = [:]
    /// Settings for a run of so many steps with a checkpoint after each so many (0: none until the end); nil: as above.
    public var settingsJSON: (@Sendable (_ steps: Int, _ checkpointEvery: Int) -> String)?
    /// Steps of the runs that are compared with each other, and of the one after which the loss must be lower.
    public var steps = 8, longSteps = 120
    /// Whether the trainer is a private one, so that a run without a privacy record is a fault.
    public var isPrivate = false
    /// How long a cancelled training may still take.
    public var promptness: Duration = .seconds(5)
    public var seed: UInt64 = 1
    /// For one check.
    public var timeLimit: Duration = .seconds(120)
    /// Checks that do not apply, with the reason.
    public var exempt: [String: String] = [:]
    public init() {}
  }

  public typealias Factory = @Sendable (PluginEnvironment) throws(PluginError) -> any Trainer

  let configurationJSON: String
  let options: Options
  let services: [String: any Sendable]
  let make: Factory

  /// - Parameters:
  ///   - configurationJSON: the plugin's settings, not those of a training.
  ///   - services: put in the place of the default clock and random numbers.
  public init(
    configurationJSON: String = "{}", options: Options = Options(), services: [String: any Sendable] = [:], make: @escaping Factory
  ) { (self.configurationJSON, self.options, self.services, self.make) = (configurationJSON, options, services, make) }

  public static var checkNames: [String] { TrainerCheck.all.map(\.name) }

  public func run(only names: Set<String>?, progress: @Sendable (ConformanceProgress) -> Void) async -> [ConformanceResult] {
    let services = SuiteServices(services), make = make, configurationJSON = configurationJSON, options = options
    return await TrainerCheck.run(TrainerCheck.all, only: names, exempt: options.exempt, within: options.timeLimit, progress: progress) {
      TrainerScene(options: options, configurationJSON: configurationJSON) { (json) throws(PluginError) in
        try make(PluginEnvironment(services: services, configurationJSON: json))
      }
    }
  }
}

/// One promise of trainers.
struct TrainerCheck: ConformanceCheck {
  let name: String
  let body: @Sendable (TrainerScene) async throws -> Void
  init(_ name: String, _ body: @escaping @Sendable (TrainerScene) async throws -> Void) { (self.name, self.body) = (name, body) }
  static var all: [TrainerCheck] { described + training + resuming + failing + privacy }
}
