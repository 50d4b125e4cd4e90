internal import Synchronization

/// What happened on the network, counted since the node's start.
public final class Counters: Sendable {
  /// What is counted besides each limit that was reached.
  public enum Event: String, CaseIterable, Sendable {
    case handshakesBegun, handshakesFinished, handshakesFailed, handshakesTimedOut
    case sessionsResumed, connectionsLost, goodbyes
    case framesSent, framesReceived, bytesSent, bytesReceived
    case badSignatures, malformedFrames, replays, wrongSessions, unknownTypes, unhandledTypes, skewedClocks, keyRotations, capabilityUpdates
    case refusedBanned
  }

  private struct State {
    var events = [UInt64](repeating: 0, count: Event.allCases.count)
    var limits: [Limit: UInt64] = [:]
  }
  private let state = Mutex(State())
  private static let index = Dictionary(uniqueKeysWithValues: Event.allCases.enumerated().map { ($1, $0) })

  public init() {}

  public func add(_ event: Event, _ count: Int = 1) { state.withLock { $0.events[Self.index[event] ?? 0] += UInt64(count) } }

  /// Somebody reached a limit.
  public func reached(_ limit: Limit) { state.withLock { $0.limits[limit, default: 0] += 1 } }

  public subscript(_ event: Event) -> UInt64 { state.withLock { $0.events[Self.index[event] ?? 0] } }
  public subscript(_ limit: Limit) -> UInt64 { state.withLock { $0.limits[limit] ?? 0 } }

  /// Every counter that is not zero, by name.
  public var all: [String: UInt64] {
    state.withLock { state in
      var result: [String: UInt64] = [:]
      for (index, event) in Event.allCases.enumerated() where state.events[index] > 0 { result[event.rawValue] = state.events[index] }
      for (limit, count) in state.limits { result["limit." + limit.rawValue] = count }
      return result
    }
  }
}
