// SPDX-License-Identifier: Apache-2.0

/// What a plugin may ask of its host, by interface id with a revision. A host without a service returns nil, and the
/// plugin says what it cannot do then.
public protocol HostServices: Sendable {
  /// - Parameter id: such as `"centram.clock/1"`. Cast the answer to the protocol that the id stands for.
  func service(_ id: String) -> (any Sendable)?
  /// Writes to the host's log. Never from a loop over elements.
  func log(_ level: LogLevel, _ message: String)
}

@frozen public enum LogLevel: Int32, Sendable { case debug = 0, info, warning, error }

/// `centram.clock/1`: plugins read no other clock, so that the simulator can turn it.
public protocol ClockService: Sendable {
  var unixMilliseconds: Int64 { get }
  var monotonicNanoseconds: UInt64 { get }
}

/// `centram.random/1`: unpredictable bytes; seeded in the simulator.
public protocol RandomService: Sendable {
  func fill(_ bytes: UnsafeMutableRawBufferPointer)
}

/// `centram.identity/1`: the node's Ed25519 key.
public protocol IdentityService: Sendable {
  /// 32 bytes.
  var publicKey: [UInt8] { get }
  /// 64 bytes.
  func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8]
  /// The 32-byte seed, for a TLS stack that must hold the key itself. Refused unless the operator allows it.
  func exportSeed() throws(PluginError) -> [UInt8]
}

/// `centram.evaluation/1`: losses of the node's own model on its own data, for gate layers.
public protocol EvaluationService: Sendable {
  /// The domains that the node holds sequences of.
  var domains: [String] { get }
  /// Loss in nat a token of each held-out sequence of `domain`, with `scale` times the candidate's update applied.
  /// The sequences stay secret: only losses come back, paired by index between calls of one judgement.
  func losses(domain: String, candidateHash: [UInt8]?, scale: Double) async throws(PluginError) -> [Double]
  /// Mean Kullback–Leibler divergence in nat from the base's next-token distribution to the candidate's, a sequence each.
  func divergences(domain: String, candidateHash: [UInt8], scale: Double) async throws(PluginError) -> [Double]
}

/// `centram.lineage/1`: what the node knows of genomes.
public protocol LineageService: Sendable {
  func ancestor(_ id: String) async throws(PluginError) -> LineageEntry?
  /// The author's last entry, for freshness.
  func lastEntry(author: String) async throws(PluginError) -> LineageEntry?
  func isKnown(contentHash: [UInt8]) async throws(PluginError) -> Bool
  /// The most recent accepted genomes of `domain` (nil: all), newest first, for norms and cohorts.
  func accepted(domain: String?, limit: Int) async throws(PluginError) -> [LineageEntry]
}

/// One genome as the node's lineage records it.
public struct LineageEntry: Sendable, Equatable {
  /// Hex.
  public var id: String, author: String
  public var parents: [Parent]
  public var generation: Int, sequence: UInt64
  public var previous: String?
  public var unixMilliseconds: Int64
  public var domain: String
  /// Measured by this node's gate: `norm.model.layers.0…`, `lift`, `sigma1`; empty where never judged.
  public var measures: [String: Double]

  public struct Parent: Sendable, Equatable {
    public var id: String
    public var basisPoints: Int
    public init(id: String, basisPoints: Int) { (self.id, self.basisPoints) = (id, basisPoints) }
  }

  public init(
    id: String, author: String, parents: [Parent], generation: Int, sequence: UInt64, previous: String?,
    unixMilliseconds: Int64, domain: String, measures: [String: Double] = [:]
  ) {
    (self.id, self.author, self.parents, self.generation) = (id, author, parents, generation)
    (self.sequence, self.previous, self.unixMilliseconds) = (sequence, previous, unixMilliseconds)
    (self.domain, self.measures) = (domain, measures)
  }
}

/// What an instance is made with.
public struct PluginEnvironment: Sendable {
  public var services: any HostServices
  /// The plugin's own settings from the host's configuration, a JSON object.
  public var configurationJSON: String
  public init(services: any HostServices, configurationJSON: String = "{}") {
    self.services = services
    self.configurationJSON = configurationJSON
  }
}
