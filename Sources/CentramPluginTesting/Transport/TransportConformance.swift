// SPDX-License-Identifier: Apache-2.0
public import CentramPluginAPI

/// Judges any `Transport` by what its protocol promises. Two instances are made, with an identity each; one listens, one dials.
///
/// ```swift
/// let suite = TransportConformance(listenOn: "tcp://127.0.0.1:0") { (environment) throws(PluginError) in try MyTransport(environment) }
/// #expect(await suite.failures() == [])
/// ```
public struct TransportConformance: ConformanceSuite {
  public struct Options: Sendable {
    /// How much goes through one stream in `bulk`. 256 MB where time allows.
    public var bulkBytes = 8 << 20
    /// Writes of one byte in `one-byte-writes`.
    public var oneByteWrites = 1_000
    /// Streams of one connection at once.
    public var streams = 48
    /// Connections dialled at once.
    public var dials = 8
    /// The most that a sender may have handed over, in bytes, while nobody reads.
    public var maximumInFlight = 48 << 20
    /// How long a cancelled or closed operation may still take.
    public var promptness: Duration = .seconds(3)
    /// How long an operation is given to begin to wait, and after how long without progress a sender counts as held back.
    public var settling: Duration = .milliseconds(150)
    /// For one check.
    public var timeLimit: Duration = .seconds(60)
    /// Of the random sizes; a failure repeats with the same seed.
    public var seed: UInt64 = 1
    /// Checks that do not apply, with the reason.
    public var exempt: [String: String] = [:]
    public init() {}
  }

  public typealias Factory = @Sendable (PluginEnvironment) throws(PluginError) -> any Transport

  let address: String
  let configurationJSON: String
  let options: Options
  let services: [String: any Sendable]
  let make: Factory

  /// - Parameters:
  ///   - address: where to listen, with a port that the transport chooses itself: `tcp://[::1]:0`.
  ///   - configurationJSON: the plugin's settings, the same for both instances.
  ///   - services: put in the place of the default clock and random numbers. The identity is the suite's own.
  public init(
    listenOn address: String, configurationJSON: String = "{}", options: Options = Options(), services: [String: any Sendable] = [:], make: @escaping Factory
  ) {
    (self.address, self.configurationJSON, self.options, self.services, self.make) = (address, configurationJSON, options, services, make)
  }

  public static var checkNames: [String] { TransportCheck.all.map(\.name) }

  public func run(only names: Set<String>?, progress: @Sendable (ConformanceProgress) -> Void) async -> [ConformanceResult] {
    await TransportCheck.run(TransportCheck.all, only: names, exempt: options.exempt, within: options.timeLimit, progress: progress) { try scene() }
  }

  private func scene() throws -> TransportScene {
    let identities = (TestIdentity(0xA11CE), TestIdentity(0xB0B))
    func instance(_ identity: TestIdentity) throws -> any Transport {
      let all = services.merging(["centram.identity/1": identity]) { $1 }
      return try make(PluginEnvironment(services: SuiteServices(all), configurationJSON: configurationJSON))
    }
    return TransportScene(
      server: try instance(identities.0), client: try instance(identities.1), serverID: identities.0.peer, clientID: identities.1.peer,
      strangerID: TestIdentity(0xEEE).peer, address: address, options: options)
  }
}

/// One promise of transports.
struct TransportCheck: ConformanceCheck {
  let name: String
  let body: @Sendable (TransportScene) async throws -> Void
  init(_ name: String, _ body: @escaping @Sendable (TransportScene) async throws -> Void) { (self.name, self.body) = (name, body) }

  static var all: [TransportCheck] { identity + bytes + flow + streams + endings + waiting + datagrams }
}
