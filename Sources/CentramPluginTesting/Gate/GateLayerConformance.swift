// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Judges any `GateLayer` by what its protocol promises.
///
/// ```swift
/// let suite = GateLayerConformance { (environment) throws(PluginError) in try SizeLimit(environment) }
/// #expect(await suite.failures() == [])
/// ```
public struct GateLayerConformance: ConformanceSuite {
  public struct Options: Sendable {
    /// Genomes to judge. Without any the suite makes three small adapters, whose manifests are no genome's: a layer that reads manifests
    /// refuses these, and is judged by how it does.
    public var samples: [GateSample] = []
    /// Whether the layer is to accept the samples.
    public var expectsAcceptance = false
    /// Damaged genomes, each by a seed of its own, in the check that is about them; other checks take some of them.
    public var damagedGenomes = 64
    /// How long a judgement may take, a cancelled one included.
    public var promptness: Duration = .seconds(10)
    public var seed: UInt64 = 1
    /// For one check.
    public var timeLimit: Duration = .seconds(120)
    /// Checks that do not apply, with the reason.
    public var exempt: [String: String] = [:]
    public init() {}
  }

  public typealias Factory = @Sendable (PluginEnvironment) throws(PluginError) -> any GateLayer

  let configurationJSON: String
  let options: Options
  let services: [String: any Sendable]
  let make: Factory

  /// - Parameters:
  ///   - configurationJSON: the plugin's settings.
  ///   - services: what the layer may ask of the node, by id; put in the place of the default clock and random numbers.
  public init(
    configurationJSON: String = "{}", options: Options = Options(), services: [String: any Sendable] = [:], make: @escaping Factory
  ) { (self.configurationJSON, self.options, self.services, self.make) = (configurationJSON, options, services, make) }

  public static var checkNames: [String] { GateCheck.all.map(\.name) }

  public func run(only names: Set<String>?, progress: @Sendable (ConformanceProgress) -> Void) async -> [ConformanceResult] {
    let scene = GateScene(configurationJSON: configurationJSON, options: options, services: SuiteServices.defaults.merging(services) { $1 }, make: make)
    return await GateCheck.run(GateCheck.all, only: names, exempt: options.exempt, within: options.timeLimit, progress: progress) { scene }
  }
}

/// A genome as its author sends it.
public struct GateSample: Sendable, Equatable {
  /// SHA-256, 32 bytes.
  public var contentHash: [UInt8]
  public var manifest: [UInt8]
  /// Ed25519, 64 bytes.
  public var signature: [UInt8]
  /// `adapter_config.json`; empty for a full delta.
  public var configuration: [UInt8]
  /// The safetensors file.
  public var weights: [UInt8]

  public init(contentHash: [UInt8], manifest: [UInt8], signature: [UInt8], configuration: [UInt8], weights: [UInt8]) {
    (self.contentHash, self.manifest, self.signature) = (contentHash, manifest, signature)
    (self.configuration, self.weights) = (configuration, weights)
  }
}

/// One promise of gate layers.
struct GateCheck: ConformanceCheck {
  let name: String
  let body: @Sendable (GateScene) async throws -> Void
  init(_ name: String, _ body: @escaping @Sendable (GateScene) async throws -> Void) { (self.name, self.body) = (name, body) }
  static var all: [GateCheck] { described + saying + purity + hostile + lacking }
}
