internal import CSandbox
internal import CentramLanes
internal import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// One process, from its start to its end. A thread of its own starts it, answers what it asks, and waits for its end.
final class ChildProcess: Sendable {
  private struct Life {
    var pid: Int32 = 0
    var isReaped = false
    /// Why the host ended it, and what that is to its callers.
    var verdict: String?, code: PluginError.Code?
    /// How it ended; nil as long as it lives.
    var reason: String?
    var layers: [String] = []
  }

  let generation: UInt64
  let startedAt = centram_monotonic()
  let configuration: IsolationConfiguration
  let services: ServiceDesk
  private let library: LibraryToIsolate
  private let didEnd: @Sendable (ChildProcess, String) -> Void
  private let life = Mutex(Life())
  private let ended = NSCondition()
  private let control = Mutex<PacketSocket?>(nil)
  private let idle = Mutex<(channels: [Channel], made: Int)>(([], 0))
  private let transportLine = Mutex<CallLine?>(nil)
  private let shared = Mutex<Set<UInt32>>([])
  private let unneeded = Mutex<[UInt32]>([])
  private static let nextID = Atomic<UInt64>(1)

  init(
    generation: UInt64, library: LibraryToIsolate, configuration: IsolationConfiguration, didEnd: @escaping @Sendable (ChildProcess, String) -> Void
  ) {
    (self.generation, self.library, self.configuration, self.didEnd) = (generation, library, configuration, didEnd)
    services = ServiceDesk(library.services, kind: library.kind, configuration)
  }

  var pid: Int32 { life.withLock { $0.pid } }
  var layers: [String] { life.withLock { $0.layers } }
  var hasEnded: Bool { life.withLock { $0.reason != nil } }

  static func newID() -> UInt64 { nextID.wrappingAdd(1, ordering: .relaxed).oldValue }

  // MARK: Start and end

  /// Starts the process and has it load the library.
  /// - Returns: what the descriptor says.
  func start() throws(PluginError) -> DescriptorText? {
    let own: PacketSocket, desk: PacketSocket, theirs: [Int32]
    do throws(ChannelError) {
      let (control, controlEnd) = try PacketSocket.pair()
      let (asked, askedEnd) = try PacketSocket.pair()
      try control.watchDeadlines()
      (own, desk, theirs) = (control, asked, [controlEnd, library.descriptor, askedEnd])
    } catch { throw PluginError(.inputOutput, "no sockets for a process of \(library.name): \(error)") }
    control.withLock { $0 = own }
    try run(desk, theirs)
    var writer = MessageWriter()
    writer.add(library.kind == .transport ? UInt32(CENTRAM_PROFILE_NETWORK) : UInt32(CENTRAM_PROFILE_COMPUTE))
    for limit in [configuration.memoryBytes, configuration.cpuSeconds, configuration.descriptors] { writer.add(limit) }
    writer.add(library.kind.rawValue)
    writer.add(optional: library.entry) { $0.add($1) }
    writer.add(library.isSwift)
    writer.add(services.offered) { $0.add($1) }
    writer.add(optional: library.functions) { $0.add($1) }
    return try decode(ask(.start, writer.bytes)) { (reader) throws(ChannelError) in
      let layers = Int32(bitPattern: try reader.number(UInt32.self))
      let names = [(CENTRAM_LAYER_SECCOMP, "seccomp"), (CENTRAM_LAYER_LANDLOCK, "landlock")].filter { layers & Int32($0.0) != 0 }.map(\.1)
      life.withLock { $0.layers = names }
      return try reader.optional { (it) throws(ChannelError) in try it.descriptorText() }
    }
  }

  /// Spawns from a thread that stays as long as the process does: the kernel ends a child with the very thread that started it.
  private func run(_ desk: PacketSocket, _ theirs: [Int32]) throws(PluginError) {
    let started = DispatchSemaphore(value: 0), outcome = SpawnOutcome()
    let thread = Thread { [self] in
      let pid = centram_spawn(configuration.runner, theirs, Int32(theirs.count))
      close(theirs[0])
      close(theirs[2])
      life.withLock { $0.pid = max(0, pid) }
      outcome.status.store(pid, ordering: .relaxed)
      started.signal()
      guard pid > 0 else { return }
      let complaint = services.serve(desk)
      if let complaint { end("broke the protocol: \(complaint)") } else { end(nil) }
      finish(centram_reap(pid))
    }
    thread.name = "plugin process"
    thread.start()
    started.wait()
    let pid = outcome.status.load(ordering: .relaxed)
    guard pid > 0 else { throw PluginError(.inputOutput, "\(configuration.runner) does not start: \(String(cString: strerror(-pid)))") }
  }

  private final class SpawnOutcome: Sendable { let status = Atomic<Int32>(0) }

  /// Ends the process.
  /// - Parameters:
  ///   - verdict: why, as the host sees it; nil: it is ending by itself.
  ///   - code: of the error that its callers get; nil: as each of them met the end.
  func end(_ verdict: String?, _ code: PluginError.Code? = nil) {
    life.withLock { life in
      guard life.pid > 0, !life.isReaped else { return }
      if life.verdict == nil { (life.verdict, life.code) = (verdict, code) }
      kill(life.pid, SIGKILL)
    }
  }

  private func finish(_ status: Int32) {
    let reason = life.withLock { life in
      life.isReaped = true
      return life.verdict ?? Self.sentence(status, configuration)
    }
    didEnd(self, reason)
    control.withLock { $0 = nil }
    idle.withLock { $0.channels = [] }
    ended.lock()
    life.withLock { $0.reason = reason }
    ended.broadcast()
    ended.unlock()
    // Last, for who holds this lock may wait for the end.
    transportLine.withLock { $0 = nil }
  }

  private static func sentence(_ status: Int32, _ configuration: IsolationConfiguration) -> String {
    let signal = status & 0x7f
    // The runner itself leaves with 0 where its channels are gone.
    guard status != 0 else { return "exited with status 0, or closed its channel to the host" }
    guard signal != 0 else { return "exited with status \((status >> 8) & 0xff)" }
    switch signal {
    case SIGXCPU: return "used more than \(configuration.cpuSeconds) s of processor time"
    case SIGXFSZ: return "wrote to a file"
    case SIGSYS: return "called the system in a way that is never allowed"
    case SIGBUS: return "read memory that is gone (signal \(signal)): a model file became shorter, or the plugin is wrong"
    case SIGKILL: return "was killed, or closed its channel to the host"
    default: return "was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
    }
  }

  /// What a caller gets for a channel that failed: the process is ended where it still runs, and its end is waited for.
  func failure(_ error: ChannelError) -> PluginError {
    var code = PluginError.Code.internalFailure
    switch error {
    case .closed: break
    case .timedOut:
      code = .limitExceeded
      end("took longer than its limit for one call")
    case .broken(let how): end("broke the protocol: \(how)")
    case .system(let number): end("could not be reached: \(String(cString: strerror(number)))")
    }
    if error == .closed { end(nil) }
    let reason = waitForEnd()
    return PluginError(life.withLock { $0.code } ?? code, "the process of \(library.name) \(reason)")
  }

  private func waitForEnd() -> String {
    ended.lock()
    defer { ended.unlock() }
    while true {
      if let reason = life.withLock({ $0.reason }) { return reason }
      ended.wait()
    }
  }

  // MARK: Control

  func initialize() throws(PluginError) -> Bool {
    try decode(ask(.initialize)) { (it) throws(ChannelError) in try it.flag() }
  }

  func requestCapability() throws(PluginError) {
    try decode(ask(.capability)) { (_) throws(ChannelError) in }
  }

  /// Tells a call under way that its caller gave up.
  func cancel(_ id: UInt64) {
    var writer = MessageWriter()
    writer.add(id)
    _ = try? ask(.cancel, writer.bytes)
  }

  /// Makes memory known to the process.
  func share(_ memory: SharedMemory) throws(PluginError) {
    guard !shared.withLock({ $0.contains(memory.id) }) else { return }
    var writer = MessageWriter()
    writer.add(memory.id)
    writer.add(UInt64(memory.inputs.count))
    writer.add(UInt64(memory.output.count))
    try decode(ask(.share, writer.bytes, descriptors: memory.descriptors)) { (_) throws(ChannelError) in }
    shared.withLock { _ = $0.insert(memory.id) }
  }

  func unshare(_ id: UInt32) {
    guard shared.withLock({ $0.remove(id) }) != nil else { return }
    var writer = MessageWriter()
    writer.add(id)
    _ = try? ask(.unshare, writer.bytes)
  }

  /// Has the process map a file for reading.
  func openFile(_ number: UInt64, _ descriptor: Int32, size: Int) throws(PluginError) {
    var writer = MessageWriter()
    writer.add(number)
    writer.add(UInt64(size))
    try decode(ask(.openFile, writer.bytes, descriptors: [descriptor])) { (_) throws(ChannelError) in }
  }

  func closeFile(_ number: UInt64) {
    var writer = MessageWriter()
    writer.add(number)
    _ = try? ask(.closeFile, writer.bytes)
  }

  /// An instance that is needed no more; the process lets it go before it makes the next.
  func release(_ instance: UInt32) { unneeded.withLock { $0.append(instance) } }
  func takeReleased() -> [UInt32] {
    unneeded.withLock { list in
      defer { list = [] }
      return list
    }
  }

  private func ask(_ operation: Operation, _ payload: [UInt8] = [], descriptors: [Int32] = []) throws(PluginError) -> [UInt8] {
    let outcome: Result<[UInt8], CallFailure> = control.withLock { socket in
      guard let socket else { return .failure(.lost(.closed)) }
      let deadline = centram_monotonic() + IsolationConfiguration.nanoseconds(configuration.startSeconds)
      let id = Self.newID()
      do throws(ChannelError) {
        try socket.send(Message(operation: operation, id: id, payload: payload), descriptors: descriptors, deadline: deadline)
        let reply = try socket.receive(deadline: deadline)
        return try Channel.result(reply, of: operation, id).mapError { .plugin($0) }
      } catch { return .failure(.lost(error)) }
    }
    switch outcome {
    case .success(let payload): return payload
    case .failure(.plugin(let error)): throw error
    case .failure(.lost(let error)): throw failure(error)
    }
  }

  func decode<Value>(_ payload: [UInt8], _ body: (inout MessageReader) throws(ChannelError) -> Value) throws(PluginError) -> Value {
    var reader = MessageReader(payload)
    do throws(ChannelError) {
      let value = try body(&reader)
      try reader.end()
      return value
    } catch { throw failure(error) }
  }

  // MARK: Channels

  /// A channel for one call; give it back with `giveBack`, unless it failed.
  func takeChannel() throws(PluginError) -> Channel {
    let (known, isNew) = idle.withLock { idle -> (Channel?, Bool) in
      if let channel = idle.channels.popLast() { return (channel, false) }
      guard idle.made < configuration.channels else { return (nil, false) }
      idle.made += 1
      return (nil, true)
    }
    if let known {
      // Whatever lies in it was not asked for.
      guard !known.socket.hasSomething else { throw failure(hasEnded || known.socket.hasEnded ? .closed : .broken("a message that nobody asked for")) }
      return known
    }
    guard isNew else { throw PluginError(.limitExceeded, "\(configuration.channels) calls of \(library.name) are under way, which is the limit") }
    return Channel(try connect(isLine: false))
  }

  /// The line on which calls of a transport wait side by side.
  func line() throws(PluginError) -> CallLine {
    try transportLine.withLock { (line) throws(PluginError) in
      if let line { return line }
      let new = CallLine(try connect(isLine: true), self)
      new.start()
      line = new
      return new
    }
  }

  private func connect(isLine: Bool) throws(PluginError) -> PacketSocket {
    let own: PacketSocket, theirs: Int32
    do throws(ChannelError) {
      (own, theirs) = try PacketSocket.pair()
      if !isLine { try own.watchDeadlines() }
    } catch { throw PluginError(.inputOutput, "no socket for a call of \(library.name): \(error)") }
    defer { close(theirs) }
    var writer = MessageWriter()
    writer.add(isLine)
    try decode(ask(.channel, writer.bytes, descriptors: [theirs])) { (_) throws(ChannelError) in }
    return own
  }

  func giveBack(_ channel: Channel) { idle.withLock { $0.channels.append(channel) } }
}
