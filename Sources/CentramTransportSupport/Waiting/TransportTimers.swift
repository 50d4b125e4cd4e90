public import CentramPluginAPI
internal import Dispatch

/// Something that will happen later, unless it is cancelled.
public protocol TransportTimer: Sendable { func cancel() }

/// Monotonic time and timers. Transports know no other, so that a simulator can turn them: `centram.transport-timers/1` among the host's services,
/// for transports that are linked into it.
public protocol TransportTimers: Sendable {
  var nanoseconds: UInt64 { get }
  /// Runs `body` once, never before this call returned, and never two bodies at once. Bodies of the same time run in the order of their calls.
  @discardableResult func schedule(after nanoseconds: UInt64, _ body: @escaping @Sendable () -> Void) -> any TransportTimer
}

/// Timers of the computer, on one serial queue.
public final class SystemTimers: TransportTimers, Sendable {
  private let queue: DispatchQueue
  public init(label: String = "centram.transport.timers") { queue = DispatchQueue(label: label) }

  public var nanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds }

  public func schedule(after nanoseconds: UInt64, _ body: @escaping @Sendable () -> Void) -> any TransportTimer {
    let timer = SystemTimer(body)
    if nanoseconds == 0 {
      queue.async { timer.fire() }
    } else {
      queue.asyncAfter(deadline: .now() + .nanoseconds(Int(min(nanoseconds, 1 << 60)))) { timer.fire() }
    }
    return timer
  }
}

private final class SystemTimer: TransportTimer, @unchecked Sendable {
  private let lock = Lock()
  private var body: (@Sendable () -> Void)?
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  private func take() -> (@Sendable () -> Void)? {
    lock.withLock {
      defer { body = nil }
      return body
    }
  }
  func cancel() { _ = take() }
  func fire() { take()?() }
}

extension PluginEnvironment {
  /// The host's timers, else the computer's.
  public var timers: any TransportTimers { services.service("centram.transport-timers/1") as? any TransportTimers ?? SystemTimers() }
}
