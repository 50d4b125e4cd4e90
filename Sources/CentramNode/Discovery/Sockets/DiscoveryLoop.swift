internal import Dispatch

/// Turns datagrams and the times at which something is due into one sequence, for a state machine to follow.
final class DiscoveryLoop: Sendable {
  enum Event: Sendable {
    case datagram(Datagram)
    /// Something is due, or somebody called `wake`.
    case tick
  }

  /// The oldest events go when more wait; nothing depends on one of them.
  private static let capacity = 512

  let events: AsyncStream<Event>
  private let queue: AsyncStream<Event>.Continuation
  // Dispatch's own locking makes it safe from any thread.
  private nonisolated(unsafe) let timer: any DispatchSourceTimer

  init() {
    let (events, queue) = AsyncStream<Event>.makeStream(bufferingPolicy: .bufferingNewest(Self.capacity))
    (self.events, self.queue) = (events, queue)
    timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "centram.discovery.timer"))
    timer.setEventHandler { queue.yield(.tick) }
    timer.activate()
  }

  deinit { timer.cancel() }

  func receive(_ datagram: Datagram) { queue.yield(.datagram(datagram)) }
  func wake() { queue.yield(.tick) }

  /// Makes a tick come so many milliseconds from now, in place of the one that was to come.
  func arm(in milliseconds: UInt64?) {
    guard let milliseconds else { return timer.schedule(deadline: .distantFuture) }
    timer.schedule(deadline: .now() + .milliseconds(Int(min(milliseconds, 3_600_000))), leeway: .milliseconds(milliseconds > 1000 ? 50 : 1))
  }

  /// Ends the sequence.
  func finish() {
    timer.cancel()
    queue.finish()
  }
}
