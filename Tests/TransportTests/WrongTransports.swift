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
    }
  }
}

/// A right transport made wrong in one way.
struct WrongTransport: Transport {
  let base: any Transport, mutation: Mutation
  var info: TransportInfo { base.info }

  func listen(on address: String) async throws(PluginError) -> any TransportListener {
    WrongListener(base: try await base.listen(on: address), mutation: mutation)
  }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
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
  let opened = Mutex(0)
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
    return WrongStream(try await base.openStream(), self)
  }

  func acceptStream() async throws(PluginError) -> any TransportStream { WrongStream(try await base.acceptStream(), self) }
  func close(code: UInt64, reason: String) async { await base.close(code: code, reason: reason) }
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
  let memory = Mutex((held: [UInt8](), sends: 0, receives: 0, cancelled: false, finished: false))
  var mutation: Mutation { connection.mutation }
  init(_ base: any TransportStream, _ connection: WrongConnection) { (self.base, self.connection) = (base, connection) }

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
    let number = memory.withLock { memory in
      memory.sends += 1
      return memory.sends
    }
    switch mutation {
    case .exchangesTwoWrites where number == 10: memory.withLock { $0.held = [UInt8](bytes) }
    case .exchangesTwoWrites where number == 11:
      try await base.send(bytes)
      try await plain(memory.withLock { $0.held })
    case .losesAByte where number == 10: try await base.send(UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
    case .repeatsAWrite where number == 10:
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
    case .finishClosesBothDirections:
      try await base.finish()
      await base.reset(code: 0)
    default: try await base.finish()
    }
  }

  func reset(code: UInt64) async { if mutation == .resetLooksLikeAnEnd { try? await base.finish() } else { await base.reset(code: code) } }
}
