internal import CSandbox
internal import CentramLanes
internal import CentramPluginAPI
internal import Glibc
internal import Synchronization

/// A plugin whose process is started again where it ends.
final class IsolatedProcess: IsolatedPlugin {
  private struct State {
    var child: ChildProcess?
    var description: DescriptorText?
    var generation: UInt64 = 0
    var isInitialized = false, hasCapability = false
    /// Ends that nobody asked for: all, those since it was last healthy, and when the latest were.
    var restarts = 0, consecutive = 0, failures: [UInt64] = []
    var lastFailure: String?, notBefore: UInt64 = 0
    var isGivenUp = false, isStopped = false
    /// Why it may not run for now.
    var withdrawal: String?
  }

  let library: LibraryToIsolate
  let configuration: IsolationConfiguration
  let blocks = SharedPool()
  private let descriptor: Int32
  private let starting = Mutex(())
  private let state = Mutex(State())

  init(_ library: LibraryToIsolate, _ configuration: IsolationConfiguration) throws(PluginError) {
    var library = library
    descriptor = fcntl(library.descriptor, F_DUPFD_CLOEXEC, 3)
    guard descriptor >= 0 else { throw PluginError(.inputOutput, "the library's descriptor was not copied: \(String(cString: strerror(errno)))") }
    library.descriptor = descriptor
    (self.library, self.configuration) = (library, configuration)
  }

  deinit {
    stop()
    close(descriptor)
  }

  var description: IsolatedDescription? { state.withLock { $0.description.map(IsolatedDescription.init) } }

  var health: PluginHealth {
    state.withLock { state in
      let isRunning = state.child?.hasEnded == false
      let kind: PluginHealth.State = state.isStopped || state.withdrawal != nil ? .stopped : state.isGivenUp ? .failed : isRunning ? .running : .waiting
      let pid = isRunning ? state.child?.pid : nil
      return PluginHealth(
        state: kind, pid: pid, layers: state.child?.layers ?? [], residentBytes: pid.map(centram_resident) ?? 0, restarts: state.restarts,
        lastFailure: state.lastFailure)
    }
  }

  func initialize() throws(PluginError) -> Bool {
    let isDone = try child().initialize()
    state.withLock { $0.isInitialized = true }
    return isDone
  }

  func capability() throws(PluginError) -> Capability {
    try child().requestCapability()
    state.withLock { $0.hasCapability = true }
    switch library.kind {
    case .mergeOperator: return .mergeOperator { (it) throws(PluginError) in try IsolatedMergeOperator.make(self, it) }
    case .gateLayer: return .gateLayer { (it) throws(PluginError) in try IsolatedGateLayer(self, it) }
    case .economyRule: return .economyRule { (it) throws(PluginError) in try IsolatedEconomyRule(self, it) }
    case .trainer: return .trainer { (it) throws(PluginError) in try IsolatedTrainer(self, it) }
    case .transport: return .transport { (it) throws(PluginError) in try IsolatedTransport(self, it) }
    default: throw PluginError(.unsupported, "this host isolates no \(library.kind)")
    }
  }

  func ping() throws(PluginError) {
    let child = try child(), limit = IsolationConfiguration.nanoseconds(configuration.startSeconds)
    let answer = try child.onChannel { (channel) throws(CallFailure) in try channel.call(.ping, id: ChildProcess.newID(), [], limit: limit) }
    try child.decode(answer) { (_) throws(ChannelError) in }
  }

  func stop() {
    let child = state.withLock { state in
      state.isStopped = true
      return state.child
    }
    child?.end("was stopped", .closed)
  }

  func withdraw(_ reason: String?) {
    let child = state.withLock { state in
      state.withdrawal = reason
      return state.child
    }
    if let reason { child?.end("was ended: \(reason)", .unavailable) }
  }

  /// The process, started where there is none.
  func child() throws(PluginError) -> ChildProcess {
    try starting.withLock { (_) throws(PluginError) in
      let now = state.withLock { $0 }
      if let refusal = refusal(now) { throw refusal }
      if let known = now.child, !known.hasEnded { return known }
      let time = centram_monotonic()
      if now.notBefore > time { usleep(UInt32(clamping: (now.notBefore - time) / 1000)) }
      return try launch()
    }
  }

  private func refusal(_ state: State) -> PluginError? {
    if state.isStopped { return PluginError(.closed, "\(library.name) was stopped") }
    if let reason = state.withdrawal { return PluginError(.unavailable, "\(library.name) was withdrawn: \(reason)") }
    guard state.isGivenUp else { return nil }
    return PluginError(
      .unavailable,
      "\(library.name) is given up: its process ended \(state.failures.count) times within \(configuration.failureSeconds) s, the last time it \(state.lastFailure ?? "failed"); "
        + "start the host again to try it again")
  }

  private func launch() throws(PluginError) -> ChildProcess {
    let (generation, isInitialized, hasCapability) = state.withLock { state in
      state.generation += 1
      return (state.generation, state.isInitialized, state.hasCapability)
    }
    let child = ChildProcess(generation: generation, library: library, configuration: configuration) { [weak self] child, reason in
      self?.didEnd(child, reason)
    }
    state.withLock { $0.child = child }
    do throws(PluginError) {
      let text = try child.start()
      state.withLock { $0.description = text }
      if isInitialized { _ = try child.initialize() }
      if hasCapability { try child.requestCapability() }
    } catch {
      child.end("did not come up: \(error.message)")
      throw error
    }
    // It may have been stopped meanwhile, when this child had no process yet.
    if let refusal = refusal(state.withLock { $0 }) { child.end("was ended: \(refusal.message)", refusal.code) }
    return child
  }

  private func didEnd(_ child: ChildProcess, _ reason: String) {
    let now = centram_monotonic()
    state.withLock { state in
      guard !state.isStopped, state.withdrawal == nil else { return }
      let lived = now &- child.startedAt
      state.consecutive = lived >= IsolationConfiguration.nanoseconds(configuration.healthySeconds) ? 1 : state.consecutive + 1
      state.restarts += 1
      state.lastFailure = reason
      let window = IsolationConfiguration.nanoseconds(configuration.failureSeconds)
      state.failures = state.failures.filter { now - $0 < window } + [now]
      state.isGivenUp = state.failures.count >= configuration.failureLimit
      let delays = configuration.restartDelays
      let delay = delays.isEmpty ? 0 : delays[min(state.consecutive, delays.count) - 1]
      state.notBefore = now + IsolationConfiguration.nanoseconds(delay)
    }
  }
}
