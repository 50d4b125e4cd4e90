public import CentramPluginAPI
public import CentramTransportSupport
internal import CentramWire

/// All that a node does about routers between it and its peers, put together: circuits through relays, what peers say of its address, dial-back, and punches
/// that move relayed sessions to direct connections.
///
///     let traversal = try NATTraversal(settings: …)
///     let node = NetworkNode(…, transports: traversal.transports(over: transports), …)
///     await traversal.attach(to: node)
///     // beside node.run():
///     await traversal.run()
public struct NATTraversal: Sendable {
  /// What is told and asked for, beside the relays' own limits.
  public struct Settings: Sendable, Equatable {
    public var relay = RelaySettings()
    /// Relays at which this node is reachable, and through which it reaches those whom it was told to dial.
    public var relays: [Ticket.Relay] = []
    /// Tell peers where this node sees them, and dial back those that ask.
    public var helpsOthers = true
    /// Try to make relayed sessions direct.
    public var punches = true
    public init() {}

    /// Where to listen, beside the node's own addresses.
    public var listen: [String] { relays.map { RelayAddress(relay: $0.id, target: nil).description } }
  }

  public let settings: Settings
  public let relaying: RelayService
  public let reachability: ReachabilityService
  public let punching: PunchService

  /// - Parameters:
  ///   - seed: the node's key, 32 bytes.
  ///   - dialBack: transports of sockets of their own; see `ReachabilityService`.
  /// - Throws: `.malformed` where the seed is none.
  public init(settings: Settings, seed: [UInt8], clock: any NodeClock, random: any RandomService, timers: any TransportTimers, dialBack: [any Transport]) throws(RelayError) {
    self.settings = settings
    relaying = try RelayService(settings: settings.relay, seed: seed, clock: clock, random: random, timers: timers)
    let reachability = ReachabilityService(settings: settings.relay, clock: clock, random: random, dialBack: settings.helpsOthers ? dialBack : [])
    self.reachability = reachability
    punching = PunchService(
      settings: settings.relay, clock: clock, random: random, mapping: { await reachability.mapping(scheme: Self.punched) },
      addresses: { await reachability.heard.filter { $0.scheme == Self.punched } })
  }

  /// The only transport whose listening socket dials, so that a packet opens the router for the other end.
  static let punched = "quic"

  /// The node's transports, able to carry circuits, and the transport `relay`.
  public func transports(over transports: [any Transport]) -> [any Transport] { relaying.transports(over: transports) }

  /// Takes the node's messages. Call it before the node runs.
  public func attach(to node: NetworkNode, families: @escaping @Sendable () -> AddressFamilies = { AddressFamilies() }) async {
    await relaying.attach(to: node)
    await reachability.attach(to: node)
    if settings.punches { await punching.attach(to: node) }
    for relay in settings.relays { await node.learn(relay) }
    var surroundings = Surroundings()
    (surroundings.families, surroundings.mapping) = (families, { [reachability] in await reachability.mapping(scheme: Self.punched) })
    surroundings.addresses = { [reachability] in await reachability.verdict == .private ? [] : await reachability.confirmed }
    await node.use(surroundings)
  }

  /// Asks, tells and punches until the task is cancelled.
  public func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.reachability.run() }
      if settings.punches { group.addTask { await self.punching.run() } }
    }
  }
}
