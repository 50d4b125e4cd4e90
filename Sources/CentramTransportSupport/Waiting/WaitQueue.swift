public import CentramPluginAPI

/// Hands elements from callbacks to async callers, first come, first served. With a limit of one it is a promise.
public final class WaitQueue<Element: Sendable>: @unchecked Sendable {
  private typealias Waiter = (ticket: UInt64, continuation: UnsafeContinuation<Result<Element, PluginError>, Never>)

  private let lock = Lock()
  private let limit: Int
  private var elements: [Element] = []
  private var waiters: [Waiter] = []
  private var nextTicket: UInt64 = 0
  private var end: PluginError?

  /// - Parameter limit: how many elements may lie here untaken.
  public init(limit: Int = 1) { self.limit = limit }

  /// - Returns: false where the queue is full or closed; the element is the caller's then.
  @discardableResult public func offer(_ element: Element) -> Bool {
    lock.lock()
    guard end == nil, !waiters.isEmpty || elements.count < limit else {
      lock.unlock()
      return false
    }
    let waiter = waiters.isEmpty ? nil : waiters.removeFirst()
    if waiter == nil { elements.append(element) }
    lock.unlock()
    waiter?.continuation.resume(returning: .success(element))
    return true
  }

  /// Ends all waiting and all that is to come with `error`. The first close counts.
  /// - Returns: what was never taken.
  @discardableResult public func close(_ error: PluginError) -> [Element] {
    lock.lock()
    guard end == nil else {
      lock.unlock()
      return []
    }
    let (left, ended) = (elements, waiters)
    (elements, waiters, end) = ([], [], error)
    lock.unlock()
    for waiter in ended { waiter.continuation.resume(returning: .failure(error)) }
    return left
  }

  /// Takes out what nobody took yet.
  public func remove(where condition: (Element) -> Bool) { lock.withLock { elements.removeAll(where: condition) } }

  public var count: Int { lock.withLock { elements.count } }

  /// - Throws: `.cancelled` where the task is, or what `close` was given.
  public func next() async throws(PluginError) -> Element {
    let ticket = lock.withLock {
      nextTicket += 1
      return nextTicket
    }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Element, PluginError>, Never>) in
        let ready: Result<Element, PluginError>? = lock.withLock {
          if Task.isCancelled { return .failure(.waitCancelled) }
          if let end { return .failure(end) }
          if !elements.isEmpty { return .success(elements.removeFirst()) }
          waiters.append((ticket, continuation))
          return nil
        }
        if let ready { continuation.resume(returning: ready) }
      }
    } onCancel: {
      let waiter: Waiter? = lock.withLock { waiters.firstIndex { $0.ticket == ticket }.map { waiters.remove(at: $0) } }
      waiter?.continuation.resume(returning: .failure(.waitCancelled))
    }
    return try result.get()
  }
}

extension PluginError {
  /// The caller's task was cancelled while it waited.
  public static var waitCancelled: PluginError { PluginError(.cancelled, "the task was cancelled while it waited") }
}
