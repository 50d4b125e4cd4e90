internal import Synchronization

/// What happened to genomes between this node and its peers, counted since its start.
public final class ExchangeCounters: Sendable {
  /// What is counted besides each limit that was reached.
  public enum Event: String, CaseIterable, Sendable {
    case offersSent, genomesOffered, offersReceived, genomesSeen
    case wantsSent, wantsReceived, manifestsSent, manifestsReceived, manifestsRefused, declinesSent, declinesReceived
    case chunksSent, chunksReceived, bytesSent, bytesReceived, badChunks, missingChunks, lateChunks, chunksRepeated, chunksResumed
    case transfersBegun, transfersCompleted, transfersSuspended, transfersAborted, abortsReceived, completionsReceived
    case genomesAccepted, genomesRejected, genomesQuarantined, judgementsFailed, retries, acceptancesReceived, rejectionsReceived
    case unasked, unoffered, malformed
    case revocationsReceived, revocationsSent, revokedOffered
    case lineageQueries, attestationQueries, fitnessQueries, evaluationRequests, evaluationsRefused
    case verdictsReceived, quarantinesReceived, privacyReceived, fitnessReceived, proofsReceived, proofsSent, authorsFrozen
  }

  private struct State {
    var events: [Event: UInt64] = [:]
    var limits: [ExchangeLimit: UInt64] = [:]
  }
  private let state = Mutex(State())

  public init() {}

  public func add(_ event: Event, _ count: Int = 1) { state.withLock { $0.events[event, default: 0] += UInt64(max(0, count)) } }

  /// Somebody reached a limit.
  public func reached(_ limit: ExchangeLimit) { state.withLock { $0.limits[limit, default: 0] += 1 } }

  public subscript(_ event: Event) -> UInt64 { state.withLock { $0.events[event] ?? 0 } }
  public subscript(_ limit: ExchangeLimit) -> UInt64 { state.withLock { $0.limits[limit] ?? 0 } }

  /// Every counter that is not zero, by name.
  public var all: [String: UInt64] {
    state.withLock { state in
      var result: [String: UInt64] = [:]
      for (event, count) in state.events where count > 0 { result[event.rawValue] = count }
      for (limit, count) in state.limits { result["limit." + limit.rawValue] = count }
      return result
    }
  }
}
