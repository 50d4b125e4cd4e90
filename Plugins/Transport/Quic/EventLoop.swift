import CentramPluginAPI
import CUDP
import Glibc
import Synchronization

/// One thread that waits for sockets and timers, and the executor of everything that touches its endpoint. Who calls from another
/// thread while this one sleeps does the work itself, as the loop: that saves two changes of thread a call.
final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
  /// What the loop serves. All calls come with the loop's lock held.
  protocol Client: AnyObject {
    /// Sends, times and tells what there is, and returns when it wants to be called again, in nanoseconds of the clock.
    func pump() -> UInt64
    func ready(_ descriptor: Int32, writable: Bool)
    var now: UInt64 { get }
    /// On the loop's thread, after the last call.
    func ended()
  }

  private enum Job: @unchecked Sendable {
    case task(UnownedJob)
    case block(() -> Void)
  }

  private let poll: Int32, waker: Int32
  private let entry = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Who holds `entry`, or 0.
  private let owner = Atomic<UInt>(0)
  private let queue = Mutex<[Job]>([])
  private let isWoken = Atomic<Bool>(false), hasEnded = Atomic<Bool>(false)
  /// Under `entry`.
  private var client: (any Client)?
  private var sleepsUntil: UInt64 = 0, isStopped = false

  /// - Throws: `.inputOutput`.
  init() throws(PluginError) {
    (poll, waker) = (cudp_poll_new(), cudp_waker_new())
    guard poll >= 0, waker >= 0 else { throw PluginError(.inputOutput, "the system gives no descriptor for an event loop: \(errorText(-min(poll, waker)))") }
    pthread_mutex_init(entry, nil)
    _ = cudp_poll_set(poll, waker, true, false)
  }

  deinit {
    pthread_mutex_destroy(entry)
    entry.deallocate()
    close(poll)
    close(waker)
  }

  /// Starts the thread, which keeps the loop and its client until `stop`.
  func start(_ client: any Client) throws(PluginError) {
    self.client = client
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let result = pthread_create(
      &thread, nil,
      {
        Unmanaged<EventLoop>.fromOpaque($0!).takeRetainedValue().run(); return nil
      }, context.toOpaque())
    guard result == 0 else {
      context.release()
      self.client = nil
      throw PluginError(.inputOutput, "the system gives no thread for an event loop: \(errorText(result))")
    }
    pthread_detach(thread)
  }

  /// With the lock held: the thread ends after this round.
  func stop() {
    isStopped = true
    wake()
  }

  func watch(_ descriptor: Int32, writable: Bool = false, isNew: Bool = false) { _ = cudp_poll_set(poll, descriptor, isNew, writable) }
  func forget(_ descriptor: Int32) { _ = cudp_poll_remove(poll, descriptor) }

  private static var current: UInt { UInt(pthread_self()) }
  private var isOwner: Bool { owner.load(ordering: .relaxed) == Self.current }

  /// Runs `body` as the loop if the loop is free now; nil if it is not.
  func tryRun<Result>(_ body: () -> Result) -> Result? {
    if isOwner { return body() }
    guard pthread_mutex_trylock(entry) == 0 else { return nil }
    owner.store(Self.current, ordering: .relaxed)
    let result = body()
    let deadline = client?.pump() ?? .max
    if deadline < sleepsUntil || isStopped { wake() }
    owner.store(0, ordering: .relaxed)
    pthread_mutex_unlock(entry)
    return result
  }

  /// Runs `body` as the loop, now or soon.
  func submit(_ body: @escaping () -> Void) {
    if tryRun(body) == nil { append(.block(body)) }
  }

  func enqueue(_ job: consuming ExecutorJob) { append(.task(UnownedJob(job))) }
  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
  func checkIsolated() { precondition(isOwner, "not on the loop") }

  private func append(_ job: Job) {
    queue.withLock { $0.append(job) }
    wake()
    // Nobody else would run it any more.
    if hasEnded.load(ordering: .acquiring) {
      enter()
      while drain() {}
      leave()
    }
  }

  private func wake() {
    if !isWoken.exchange(true, ordering: .acquiringAndReleasing) { cudp_waker_wake(waker) }
  }

  private func drain() -> Bool {
    let jobs = queue.withLock { queued in
      defer { queued.removeAll(keepingCapacity: true) }
      return queued
    }
    for job in jobs {
      switch job {
      case .task(let task): task.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
      case .block(let block): block()
      }
    }
    return !jobs.isEmpty
  }

  private func enter() {
    pthread_mutex_lock(entry)
    owner.store(Self.current, ordering: .relaxed)
  }

  private func leave() {
    owner.store(0, ordering: .relaxed)
    pthread_mutex_unlock(entry)
  }

  private func run() {
    let capacity = 8
    let descriptors = UnsafeMutablePointer<Int32>.allocate(capacity: capacity), writable = UnsafeMutablePointer<Bool>.allocate(capacity: capacity)
    defer {
      descriptors.deallocate()
      writable.deallocate()
    }
    enter()
    guard let client else { return leave() }
    while true {
      while drain() {}
      let deadline = client.pump()
      if isStopped { break }
      let now = client.now
      sleepsUntil = deadline
      leave()
      let count = cudp_poll_wait(poll, descriptors, writable, Int32(capacity), deadline == .max ? .max : deadline > now ? deadline - now : 0)
      enter()
      sleepsUntil = 0
      for index in 0..<Int(count) {
        if descriptors[index] == waker {
          cudp_waker_drain(waker)
          isWoken.store(false, ordering: .releasing)
        } else {
          client.ready(descriptors[index], writable: writable[index])
        }
      }
    }
    client.ended()
    self.client = nil
    hasEnded.store(true, ordering: .releasing)
    // What came too late still runs, so that nobody waits for ever.
    while drain() {}
    leave()
  }
}

func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }
