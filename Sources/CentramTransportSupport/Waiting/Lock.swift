internal import Glibc

/// A mutual exclusion lock for classes whose state refers to lent buffers and continuations.
public final class Lock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  public init() {
    let status = pthread_mutex_init(mutex, nil)
    precondition(status == 0, "a mutex could not be made: error \(status)")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  public func lock() { pthread_mutex_lock(mutex) }
  public func unlock() { pthread_mutex_unlock(mutex) }

  public func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// Lets one thread at a time do a repeated piece of work; who comes meanwhile has it done once more by the one that is there.
public final class SerialPump: @unchecked Sendable {
  private let lock = Lock()
  private var isRunning = false, again = false

  public init() {}

  public func run(_ body: () -> Void) {
    let begins = lock.withLock {
      if isRunning { again = true } else { isRunning = true }
      return !again
    }
    guard begins else { return }
    repeat {
      body()
    } while lock.withLock {
      defer { again = false }
      if !again { isRunning = false }
      return again
    }
  }
}
