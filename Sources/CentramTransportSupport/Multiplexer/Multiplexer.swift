public import CentramPluginAPI

/// The pipe under a multiplexer, as far as the multiplexer knows it.
public protocol MultiplexerDriver: AnyObject, Sendable {
  /// There is something to take with `takeOutput`, or `outputEnded` turned true. Called from any thread, without locks held; returns soon.
  func outputIsReady()
  /// Drops the pipe at once.
  func abort()
}

/// Many streams over one ordered pipe of bytes, each with flow control of its own; no I/O and no tasks.
///
/// The driver hands over what arrives with `receive`, from one thread at a time, and takes what is to be sent with `takeOutput` when the pipe has room. So
/// nothing is buffered for sending: a sender waits with its bytes lent until the pipe takes them. What arrives is bounded by the windows that were
/// granted. Whatever a peer sends, the outcome is bytes for streams or the connection's end with a `TransportSupportError`.
public final class Multiplexer: @unchecked Sendable {
  public enum Role: Sendable { case dialler, listener }

  let lock = Lock()
  let settings: MultiplexerSettings, timers: any TransportTimers

  // Everything below is guarded by `lock`.
  var decoder: MuxDecoder
  var streams: [UInt32: MuxStream] = [:]
  /// Streams that may have something to send, in the order of their turns.
  var ready: [MuxStream] = []
  var control = ByteQueue()
  var controlFrames = 0
  var peerLimits: (streamWindow: Int, streams: Int, payload: Int)?
  /// What may be sent, what may still come, and what was read and not granted anew.
  var sendWindow = 0, receiveWindow: Int, credit = 0
  var nextStream: UInt32, lastPeerStream: UInt32 = 0
  var openHere = 0, openThere = 0
  var openers: [(ticket: UInt64, continuation: UnsafeContinuation<Result<MuxStream, PluginError>, Never>)] = []
  let accepted: WaitQueue<MuxStream>
  var current: MuxStream?
  /// Set once: why nothing more goes on.
  var end: PluginError?
  var isDrained = false
  var ticket: UInt64 = 0
  private var driver: (any MultiplexerDriver)?
  private var wakes: [() -> Void] = []
  private var outputWanted = false, outputSignalled = false, abortWanted = false
  var lastHeard: UInt64, lastPing: UInt64
  var timer: (any TransportTimer)?

  public init(role: Role, settings: MultiplexerSettings = MultiplexerSettings(), timers: any TransportTimers) {
    (self.settings, self.timers) = (settings, timers)
    decoder = MuxDecoder(maximumPayload: settings.maximumPayload)
    receiveWindow = settings.connectionWindow
    nextStream = role == .dialler ? 1 : 2
    accepted = WaitQueue(limit: settings.maximumStreams)
    (lastHeard, lastPing) = (timers.nanoseconds, timers.nanoseconds)
    control.append(MuxFrame.settings(settings))
  }

  /// Begins. The driver is held until the pipe's end.
  public func start(_ driver: any MultiplexerDriver) {
    locked {
      self.driver = driver
      outputWanted = true
      armTimer()
    }
  }

  /// Runs `body` under the lock; afterwards, without it, wakes whom it woke and calls the driver.
  func locked<Result>(_ body: () -> Result) -> Result {
    lock.lock()
    let result = body()
    let woken = wakes
    if !woken.isEmpty { wakes = [] }
    let signal = outputWanted && !outputSignalled ? driver : nil
    if signal != nil { (outputSignalled, outputWanted) = (true, false) }
    let aborted = abortWanted ? driver : nil
    if abortWanted { driver = nil }
    lock.unlock()
    for wake in woken { wake() }
    signal?.outputIsReady()
    aborted?.abort()
    return result
  }

  func wake(_ body: @escaping () -> Void) { wakes.append(body) }
  func wantOutput() { outputWanted = true }
  func wantAbort() { abortWanted = true }

  /// The pipe asked and there was nothing: the next output must be announced.
  func outputIsTaken() { (outputSignalled, outputWanted) = (false, false) }

  func nextTicket() -> UInt64 {
    ticket += 1
    return ticket
  }

  func sendControl(_ frame: [UInt8]) {
    control.append(frame)
    controlFrames += 1
    wantOutput()
    if controlFrames > settings.controlFrameLimit && end == nil {
      fail(TransportSupportError(.tooMany, "\(controlFrames) answers wait for a peer that does not take them; the limit is \(settings.controlFrameLimit)"))
    }
  }

  /// Ends the connection because of what the peer sent, and tells it.
  func fail(_ error: TransportSupportError) { finish(error.pluginError, telling: (1, error.message)) }

  /// Ends everything with `error`. The first end counts.
  /// - Parameter telling: what the peer gets to know; nil where the pipe is gone.
  func finish(_ error: PluginError, telling: (code: UInt64, reason: String)?) {
    guard end == nil else { return }
    end = error
    timer?.cancel()
    timer = nil
    // In a fixed order, so that a simulation repeats.
    for stream in streams.values.sorted(by: { $0.id < $1.id }) { stream.fail(error, waking: self) }
    streams = [:]
    ready = []
    current = nil
    for opener in openers { wake { opener.continuation.resume(returning: .failure(error)) } }
    openers = []
    wake { [accepted] in _ = accepted.close(error) }
    control.removeAll()
    if let telling {
      control.append(MuxFrame.control(.close, MuxFrame.bytes(of: telling.code) + Array(telling.reason.utf8.prefix(MuxFrame.maximumReason))))
      wantOutput()
      timer = timers.schedule(after: settings.lingerNanoseconds) { [weak self] in self?.locked { self?.wantAbort() } }
    } else {
      isDrained = true
      wantAbort()
    }
  }

  /// The pipe is gone.
  public func pipeClosed(_ error: PluginError) {
    locked {
      finish(error, telling: nil)
      timer?.cancel()
      isDrained = true
      wantAbort()
    }
  }

  /// Closes in order: the peer is told, what waits ends with `.closed`.
  public func close(code: UInt64, reason: String) {
    locked { finish(PluginError(.closed, "this side closed the connection with code \(code): \(reason)"), telling: (code, reason)) }
  }

  /// Whether all was taken that will ever be: the driver closes the pipe then.
  public var outputEnded: Bool { lock.withLock { isDrained } }

  /// Why the connection ended; nil while it lives.
  public var endError: PluginError? { lock.withLock { end } }

  /// How many streams are open, of both sides.
  public var openStreams: Int { lock.withLock { streams.count } }
}

extension Multiplexer {
  /// A timer that looks after the silence.
  func armTimer() {
    guard end == nil else { return }
    let period = [settings.keepAliveNanoseconds, settings.idleNanoseconds].filter({ $0 > 0 }).min() ?? UInt64(0)
    guard period > 0 else { return }
    timer = timers.schedule(after: max(1, period / 2)) { [weak self] in self?.checkSilence() }
  }

  private func checkSilence() {
    locked {
      guard end == nil else { return }
      let now = timers.nanoseconds, silence = now &- lastHeard
      if settings.idleNanoseconds > 0, silence >= settings.idleNanoseconds {
        return finish(PluginError(.closed, "nothing was heard for \(silence / 1_000_000) ms; the limit is \(settings.idleNanoseconds / 1_000_000) ms"), telling: (2, "idle"))
      }
      if settings.keepAliveNanoseconds > 0, silence >= settings.keepAliveNanoseconds, now &- lastPing >= settings.keepAliveNanoseconds {
        lastPing = now
        sendControl(MuxFrame.control(.ping, MuxFrame.bytes(of: now)))
      }
      armTimer()
    }
  }
}
