// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Judges any `MergeOperator` by what its protocols promise: `TensorMerging`, `AdapterMerging` and `AdapterExtracting`, each where
/// the operator has it.
///
/// ```swift
/// let suite = MergeOperatorConformance { (environment) throws(PluginError) in Median() }
/// #expect(await suite.failures() == [])
/// ```
public struct MergeOperatorConformance: ConformanceSuite {
  public struct Options: Sendable {
    /// Values for parameters, put in the place of defaults: what a required string may be, say.
    public var parameters: [String: ParameterValue] = [:]
    /// Rows of 50 elements of the tensors that are cut in different ways and shared among threads. More than one.
    public var rows = 40
    /// Of the inputs' numbers; a failure repeats with the same seed.
    public var seed: UInt64 = 1
    /// Lends inputs in pages that cannot be written, so that a write ends the process. Where the suite has a process of its own.
    public var protectsInputs = false
    /// For one check.
    public var timeLimit: Duration = .seconds(60)
    /// Checks that do not apply, with the reason.
    public var exempt: [String: String] = [:]
    public init() {}
  }

  public typealias Factory = @Sendable (PluginEnvironment) throws(PluginError) -> any MergeOperator

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

  public static var checkNames: [String] { MergeCheck.all.map(\.name) }

  public func run(only names: Set<String>?, progress: @Sendable (ConformanceProgress) -> Void) async -> [ConformanceResult] {
    let services = SuiteServices(services), make = make
    return await MergeCheck.run(MergeCheck.all, only: names, exempt: options.exempt, within: options.timeLimit, progress: progress) {
      try MergeScene(configurationJSON: configurationJSON, options: options) { (json) throws(PluginError) in
        try make(PluginEnvironment(services: services, configurationJSON: json))
      }
    }
  }
}

/// One promise of merge operators.
struct MergeCheck: ConformanceCheck {
  let name: String
  let body: @Sendable (MergeScene) async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable (MergeScene) async throws -> Void) { (self.name, self.body) = (name, body) }

  /// One that only operators on tensors can keep or break. It runs on a thread of its own, for merging blocks.
  static func tensors(_ name: String, _ body: @escaping @Sendable (MergeScene, any TensorMerging) throws -> Void) -> MergeCheck {
    MergeCheck(name) { scene in
      guard let operation = scene.operation as? any TensorMerging else { throw Finding.skipped("it does not merge tensors") }
      try await onOwnThread { try body(scene, operation) }
    }
  }

  static func adapters(_ name: String, _ body: @escaping @Sendable (MergeScene, any AdapterMerging) throws -> Void) -> MergeCheck {
    MergeCheck(name) { scene in
      guard let operation = scene.operation as? any AdapterMerging else { throw Finding.skipped("it does not merge adapters") }
      try await onOwnThread { try body(scene, operation) }
    }
  }

  static func extracts(_ name: String, _ body: @escaping @Sendable (MergeScene, any AdapterExtracting) throws -> Void) -> MergeCheck {
    MergeCheck(name) { scene in
      guard let operation = scene.operation as? any AdapterExtracting else { throw Finding.skipped("it does not extract adapters") }
      try await onOwnThread { try body(scene, operation) }
    }
  }

  static var all: [MergeCheck] { described + writing + cutting + repeating + drawing + edges + refusing + ofAdapters + ofExtraction }
}
