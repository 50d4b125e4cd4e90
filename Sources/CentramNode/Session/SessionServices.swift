public import CentramPluginAPI
public import CentramWire

/// What sessions of a node share.
public struct SessionServices: Sendable {
  public var limits: Limits
  public var counters: Counters
  public var clock: any NodeClock
  public var random: any RandomService
  public var handlers: HandlerRegistry
  /// Where work goes that outlives a connection.
  public var scope: TaskScope
  public var log: @Sendable (LogLevel, String) -> Void
  /// This node's capabilities as they are now.
  public var capabilities: @Sendable () -> WireCapabilities
  /// Points for a peer that broke a rule.
  public var misbehaved: @Sendable (NodeKey, Double) -> Void
  /// A peer's key went over to another one.
  public var rotated: @Sendable (KeyLinks.Link) -> Void

  public init(
    limits: Limits = Limits(), counters: Counters = Counters(), clock: any NodeClock, random: any RandomService, handlers: HandlerRegistry = HandlerRegistry(),
    scope: TaskScope = TaskScope(), log: @escaping @Sendable (LogLevel, String) -> Void = { _, _ in },
    capabilities: @escaping @Sendable () -> WireCapabilities = { WireCapabilities() }, misbehaved: @escaping @Sendable (NodeKey, Double) -> Void = { _, _ in },
    rotated: @escaping @Sendable (KeyLinks.Link) -> Void = { _ in }
  ) {
    (self.limits, self.counters, self.clock, self.random) = (limits, counters, clock, random)
    (self.handlers, self.scope, self.log) = (handlers, scope, log)
    (self.capabilities, self.misbehaved, self.rotated) = (capabilities, misbehaved, rotated)
  }

  func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      random.fill(UnsafeMutableRawBufferPointer(buffer))
      initialized = count
    }
  }

  func randomNumber() -> UInt64 { randomBytes(8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } }

  var unixMilliseconds: UInt64 { UInt64(max(0, clock.unixMilliseconds)) }
}
