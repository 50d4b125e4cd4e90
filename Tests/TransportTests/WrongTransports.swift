import CentramPluginAPI
import Synchronization

/// A fault that a conformance suite must find, and the check that finds it.
enum Mutation: String, CaseIterable, Sendable {
  case exchangesTwoWrites, losesAByte, repeatsAWrite, endsEarly, countsTooMuch
  case neverHoldsBack, holdsUpOtherStreams
  case finishClosesBothDirections, finishIsNotSent, resetLooksLikeAnEnd, leaksStreams, sendsAfterFinish, resetsWhatIsLetGo
  case takesAnyPeer, namesItself, hasOneBindingForAll, bindsEachEndDifferently
  case ignoresCancelledAccepts, ignoresCancelledReceives, ignoresCancelledSends, losesWhatACancelledReceiveMissed
  case sleepsThroughClose, saysAnotherErrorAtClose, keepsListening, tearsDatagrams, takesBadAddresses
  case refusesASecondDial, losesAByteOfTheListener, repeatsAByteThatWasRead, endsAtAnEmptyWrite, losesAByteLate, changesALateStream, opensWhatItDialledAlone
  case acceptorsDoNotFinish, sendsThroughReset, closesOnce, ignoresCancelledStreamAccepts

  var caughtBy: String {
    switch self {
    case .exchangesTwoWrites, .losesAByte, .endsEarly, .countsTooMuch: "ordering"
    case .repeatsAWrite: "one-byte-writes"
    case .neverHoldsBack: "back-pressure"
    case .holdsUpOtherStreams: "no-head-of-line-blocking"
    case .finishClosesBothDirections, .finishIsNotSent: "half-close"
    case .resetLooksLikeAnEnd: "reset"
    case .leaksStreams: "stream-after-stream"
    case .sendsAfterFinish: "send-after-finish-refused"
    case .resetsWhatIsLetGo: "let-go-after-finish"
    case .takesAnyPeer: "wrong-peer-refused"
    case .namesItself: "identity"
    case .hasOneBindingForAll, .bindsEachEndDifferently: "channel-binding"
    case .ignoresCancelledAccepts: "cancel-accept"
    case .ignoresCancelledReceives, .losesWhatACancelledReceiveMissed: "cancel-receive"
    case .ignoresCancelledSends: "cancel-send"
    case .sleepsThroughClose, .saysAnotherErrorAtClose: "close-wakes-all"
    case .keepsListening: "listener-close"
    case .tearsDatagrams: "datagrams"
    case .takesBadAddresses: "bad-address-refused"
    case .refusesASecondDial: "concurrent-dials"
    case .losesAByteOfTheListener: "both-directions"
    case .repeatsAByteThatWasRead: "one-byte-reads"
    case .endsAtAnEmptyWrite: "empty-write"
    case .losesAByteLate: "bulk"
    case .changesALateStream: "many-streams"
    case .opensWhatItDialledAlone: "streams-from-the-listener"
    case .acceptorsDoNotFinish: "half-close-by-the-acceptor"
    case .sendsThroughReset: "reset-ends-a-blocked-send"
    case .closesOnce: "close-twice"
    case .ignoresCancelledStreamAccepts: "cancel-accept-stream"
    }
  }
}

/// A right transport made wrong in one way.
struct WrongTransport: Transport {
  let base: any Transport, mutation: Mutation
  private let dials = Dials()
  var info: TransportInfo { base.info }
  init(base: any Transport, mutation: Mutation) { (self.base, self.mutation) = (base, mutation) }

  private final class Dials: Sendable { let active = Atomic(0) }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    WrongListener(base: try await base.listen(on: address), mutation: mutation)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    let active = dials.active.add(1, ordering: .relaxed).newValue
    defer { dials.active.subtract(1, ordering: .relaxed) }
    if mutation == .refusesASecondDial {
      guard active == 1 else { throw PluginError(.unavailable, "one dial after the other") }
      try? await Task.sleep(for: .milliseconds(5))
    }
    do {
      let connection = try await base.dial(address, expecting: mutation == .takesAnyPeer ? nil : expected)
      return WrongConnection(connection as! any DatagramConnection, mutation, dialled: true)
    } catch  where error.code == .invalid && mutation == .takesBadAddresses { throw PluginError(.unavailable, error.message) }
  }
}

private struct WrongListener: TransportListener {
  let base: any TransportListener, mutation: Mutation
  var address: String { base.address }

  func accept() async throws(PluginError) -> any TransportConnection {
    let connection = mutation == .ignoresCancelledAccepts ? try await deaf { try await base.accept() } : try await base.accept()
    return WrongConnection(connection as! any DatagramConnection, mutation, dialled: false)
  }

  func close() async { if mutation != .keepsListening { await base.close() } }
}

/// Runs in a task of its own, which no cancellation reaches.
private func deaf<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws(PluginError) -> Value {
  do { return try await Task { try await body() }.value } catch let error { throw error as! PluginError }
}

private final class WrongConnection: DatagramConnection {
  let base: any DatagramConnection, mutation: Mutation, dialled: Bool
  let opened = Mutex(0), closes = Atomic(0)
  let turn = Turn()
  init(_ base: any DatagramConnection, _ mutation: Mutation, dialled: Bool) { (self.base, self.mutation, self.dialled) = (base, mutation, dialled) }

  var peer: PeerID { mutation == .namesItself ? PeerID(base.peer.bytes.reversed())! : base.peer }
  var channelBinding: [UInt8] {
    switch mutation {
    case .hasOneBindingForAll: [UInt8](repeating: 1, count: 32)
    case .bindsEachEndDifferently: dialled ? base.channelBinding : base.channelBinding.reversed()
    default: base.channelBinding
    }
  }

  func openStream() async throws(PluginError) -> any TransportStream {
    let number = opened.withLock { count in
      count += 1
      return count
    }
    if mutation == .leaksStreams && number > 100 { throw PluginError(.limitExceeded, "too many streams") }
    if mutation == .opensWhatItDialledAlone && !dialled { throw PluginError(.unsupported, "only who dialled opens streams") }
    return WrongStream(try await base.openStream(), self, number: number)
  }

  func acceptStream() async throws(PluginError) -> any TransportStream {
    let base = base
    return WrongStream(mutation == .ignoresCancelledStreamAccepts ? try await deaf { try await base.acceptStream() } : try await base.acceptStream(), self)
  }
  func close(code: UInt64, reason: String) async {
    let number = closes.add(1, ordering: .relaxed).newValue
    if mutation == .closesOnce && number > 1 { try? await Task.sleep(for: .seconds(3_600)) }
    await base.close(code: code, reason: reason)
  }
  func sendDatagram(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    try await base.sendDatagram(mutation == .tearsDatagrams ? UnsafeRawBufferPointer(rebasing: bytes[..<((bytes.count + 1) / 2)]) : bytes)
  }
  func receiveDatagram(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int { try await base.receiveDatagram(into: buffer) }
}

/// One at a time, whoever waits.
private actor Turn {
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []
  func take() async {
    if isTaken { await withCheckedContinuation { waiting.append($0) } }
    isTaken = true
  }
  func give() {
    isTaken = false
    if !waiting.isEmpty { waiting.removeFirst().resume() }
  }
}

private final class WrongStream: TransportStream {
  let base: any TransportStream, connection: WrongConnection
  /// Of the streams that this end opened; 0 for accepted ones.
  let number: Int
  let memory = Mutex((held: [UInt8](), sends: 0, sent: 0, receives: 0, cancelled: false, finished: false))
  var mutation: Mutation { connection.mutation }
  init(_ base: any TransportStream, _ connection: WrongConnection, number: Int = 0) { (self.base, self.connection, self.number) = (base, connection, number) }

  deinit {
    guard connection.mutation == .resetsWhatIsLetGo else { return }
    Task { [base] in await base.reset(code: 0) }
  }

  private func plain(_ bytes: [UInt8]) async throws(PluginError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    defer { copy.deallocate() }
    try await base.send(UnsafeRawBufferPointer(copy))
  }

  func send(_ bytes: UnsafeRawBufferPointer) async throws(PluginError) {
    let (write, before) = memory.withLock { memory in
      memory.sends += 1
      memory.sent += bytes.count
      return (memory.sends, memory.sent - bytes.count)
    }
    switch mutation {
    case .losesAByteOfTheListener where write == 10 && !connection.dialled: try await base.send(UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
    case .losesAByteLate where before < 4 << 20 && before + bytes.count >= 4 << 20: try await base.send(UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
    case .endsAtAnEmptyWrite where bytes.isEmpty: try await base.finish()
    case .changesALateStream where number == 31 && write == 2: try await plain(bytes.map { $0 ^ 1 })
    case .sendsThroughReset: do throws(PluginError) { try await base.send(bytes) } catch { if error.code != .closed { throw error } }
    case .exchangesTwoWrites where write == 10: memory.withLock { $0.held = [UInt8](bytes) }
    case .exchangesTwoWrites where write == 11:
      try await base.send(bytes)
      try await plain(memory.withLock { $0.held })
    case .losesAByte where write == 10: try await base.send(UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
    case .repeatsAWrite where write == 10:
      try await base.send(bytes)
      try await base.send(bytes)
    case .neverHoldsBack:
      let copy = [UInt8](bytes)
      Task { try await plain(copy) }
    case .holdsUpOtherStreams:
      await connection.turn.take()
      let result: Result<Void, PluginError>
      do {
        try await base.send(bytes)
        result = .success(())
      } catch { result = .failure(error) }
      await connection.turn.give()
      try result.get()
    case .ignoresCancelledSends:
      let copy = [UInt8](bytes)
      try await deaf { try await self.plain(copy) }
    case .sendsAfterFinish where memory.withLock({ $0.finished }): break
    default: try await translated { () throws(PluginError) in try await base.send(bytes) }
    }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(PluginError) -> Int {
    let number = memory.withLock { memory in
      memory.receives += 1
      return memory.receives
    }
    switch mutation {
    case .endsEarly where number == 10: return 0
    case .repeatsAByteThatWasRead where number == 20 && buffer.count == 1:
      buffer[0] = 0
      return 1
    case .countsTooMuch: return try await base.receive(into: buffer) + (number == 10 ? 1 : 0)
    case .ignoresCancelledReceives:
      let capacity = buffer.count
      let bytes = try await deaf { [base] in
        let own = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
        defer { own.deallocate() }
        return [UInt8](own[..<(try await base.receive(into: own))])
      }
      buffer.copyBytes(from: bytes)
      return bytes.count
    case .losesWhatACancelledReceiveMissed:
      do {
        if memory.withLock({ $0.cancelled }) {
          memory.withLock { $0.cancelled = false }
          _ = try await base.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<1]))
        }
        return try await base.receive(into: buffer)
      } catch {
        if error.code == .cancelled { memory.withLock { $0.cancelled = true } }
        throw error
      }
    default: return try await translated { () throws(PluginError) in try await base.receive(into: buffer) }
    }
  }

  private func translated<Value: Sendable>(_ body: () async throws(PluginError) -> Value) async throws(PluginError) -> Value {
    do { return try await body() } catch {
      if error.code == .closed && mutation == .saysAnotherErrorAtClose { throw PluginError(.internalFailure, error.message) }
      if error.code == .closed && mutation == .sleepsThroughClose {
        do { try await Task.sleep(for: .seconds(3_600)) } catch { throw PluginError(.cancelled, "woken") }
      }
      throw error
    }
  }

  func finish() async throws(PluginError) {
    memory.withLock { $0.finished = true }
    switch mutation {
    case .finishIsNotSent, .sendsAfterFinish: break
    case .acceptorsDoNotFinish where !connection.dialled: break
    case .finishClosesBothDirections:
      try await base.finish()
      await base.reset(code: 0)
    default: try await base.finish()
    }
  }

  func reset(code: UInt64) async { if mutation == .resetLooksLikeAnEnd { try? await base.finish() } else { await base.reset(code: code) } }
}
