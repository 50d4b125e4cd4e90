// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Judges any `EconomyRule` by what its protocol promises.
///
/// ```swift
/// let suite = EconomyRuleConformance { (environment) throws(PluginError) in Split() }
/// #expect(await suite.failures() == [])
/// ```
public struct EconomyRuleConformance: ConformanceSuite {
  public struct Options: Sendable {
    /// Types of events that are tried.
    public var types = ["payment", "inference", "epoch"]
    /// Random events, each by the seed and its number.
    public var events = 200
    public var seed: UInt64 = 1
    /// For one check.
    public var timeLimit: Duration = .seconds(60)
    /// Checks that do not apply, with the reason.
    public var exempt: [String: String] = [:]
    public init() {}
  }

  public typealias Factory = @Sendable (PluginEnvironment) throws(PluginError) -> any EconomyRule

  let configurationJSON: String
  let options: Options
  let services: [String: any Sendable]
  let make: Factory

  /// - Parameters:
  ///   - configurationJSON: the plugin's settings.
  ///   - services: put in the place of the default clock and random numbers.
  public init(
    configurationJSON: String = "{}", options: Options = Options(), services: [String: any Sendable] = [:], make: @escaping Factory
  ) { (self.configurationJSON, self.options, self.services, self.make) = (configurationJSON, options, services, make) }

  public static var checkNames: [String] { EconomyCheck.all.map(\.name) }

  public func run(only names: Set<String>?, progress: @Sendable (ConformanceProgress) -> Void) async -> [ConformanceResult] {
    let services = SuiteServices(services), make = make, configurationJSON = configurationJSON, options = options
    return await EconomyCheck.run(EconomyCheck.all, only: names, exempt: options.exempt, within: options.timeLimit, progress: progress) {
      EconomyScene(options: options, configurationJSON: configurationJSON) { (json) throws(PluginError) in
        try make(PluginEnvironment(services: services, configurationJSON: json))
      }
    }
  }
}

/// One promise of economy rules. It is tried on a thread of its own, for a rule is synchronous.
struct EconomyCheck: ConformanceCheck {
  let name: String
  let body: @Sendable (EconomyScene) async throws -> Void
  init(_ name: String, _ body: @escaping @Sendable (EconomyScene) throws -> Void) {
    self.name = name
    self.body = { scene in try await onOwnThread { try body(scene) } }
  }
}
