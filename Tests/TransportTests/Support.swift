import CentramHost
import CentramPluginAPI
import CentramPluginTesting
import CentramTransportSupport
import Synchronization
import Testing

/// Transports as the host gets them: through the door of each plugin.
func transportFactory(_ descriptor: UnsafePointer<centram_descriptor_t>) throws -> TransportConformance.Factory {
  let box = try #require("centram.swift/1".withCString { descriptor.pointee.get_interface($0) })
  guard case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability else { throw PluginError(.invalid, "not a transport") }
  return make
}

/// An instance with the identity of a number.
func transport(
  _ descriptor: UnsafePointer<centram_descriptor_t>, _ number: UInt64, _ configurationJSON: String = "{}", services: [String: any Sendable] = [:]
) throws -> any Transport {
  let all = services.merging(["centram.identity/1": TestIdentity(number)]) { $1 }
  return try transportFactory(descriptor)(PluginEnvironment(services: DefaultHostServices(services: all), configurationJSON: configurationJSON))
}

/// Time that only passes when a test says so. Bodies run in order of their time, then of their calls.
final class ManualTimers: TransportTimers, @unchecked Sendable {
  private final class Entry: TransportTimer, @unchecked Sendable {
    let due: UInt64, number: Int, timers: ManualTimers
    var body: (@Sendable () -> Void)?
    init(_ due: UInt64, _ number: Int, _ timers: ManualTimers, _ body: @escaping @Sendable () -> Void) {
      (self.due, self.number, self.timers, self.body) = (due, number, timers, body)
    }
    func cancel() { timers.lock.withLock { body = nil } }
  }

  private let lock = Lock()
  private var now: UInt64 = 1_000_000_000, entries: [Entry] = [], count = 0
  var nanoseconds: UInt64 { lock.withLock { now } }

  func schedule(after nanoseconds: UInt64, _ body: @escaping @Sendable () -> Void) -> any TransportTimer {
    lock.withLock {
      count += 1
      let entry = Entry(now + nanoseconds, count, self, body)
      entries.append(entry)
      return entry
    }
  }

  /// Runs everything that is due within the next `nanoseconds`.
  func advance(_ nanoseconds: UInt64) {
    let end = self.nanoseconds + nanoseconds
    while true {
      let body: (@Sendable () -> Void)?? = lock.withLock {
        guard let next = entries.filter({ $0.due <= end }).min(by: { ($0.due, $0.number) < ($1.due, $1.number) }) else {
          now = end
          return .none
        }
        entries.removeAll { $0 === next }
        now = max(now, next.due)
        defer { next.body = nil }
        return .some(next.body)
      }
      guard let body else { return }
      body?()
    }
  }
}

extension TransportStream {
  func send(_ bytes: [UInt8]) async throws {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    defer { copy.deallocate() }
    try await send(UnsafeRawBufferPointer(copy))
  }

  func receive(upTo count: Int) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    return [UInt8](buffer[..<(try await receive(into: buffer))])
  }

  func receive(exactly count: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try await receive(upTo: count - bytes.count)
      guard !more.isEmpty else { throw PluginError(.closed, "the end came after \(bytes.count) of \(count) bytes") }
      bytes += more
    }
    return bytes
  }
}

/// The error that `body` throws; a test fails where it throws none.
func pluginError<Value>(_ body: () async throws -> Value, sourceLocation: SourceLocation = #_sourceLocation) async -> PluginError? {
  do {
    _ = try await body()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    return nil
  } catch { return error as? PluginError }
}

/// A connection from `client` to `server` over a listener at `address`.
func pair(_ server: any Transport, _ client: any Transport, _ address: String) async throws -> (
  client: any TransportConnection, server: any TransportConnection, listener: any TransportListener
) {
  let listener = try await server.listen(on: address)
  async let accepted = listener.accept()
  let dialled = try await client.dial(listener.address, expecting: nil)
  return (dialled, try await accepted, listener)
}

/// A stream of `pair` whose first byte has arrived.
func stream(_ client: any TransportConnection, _ server: any TransportConnection) async throws -> (client: any TransportStream, server: any TransportStream) {
  let opened = try await client.openStream()
  try await opened.send([0])
  let accepted = try await server.acceptStream()
  _ = try await accepted.receive(exactly: 1)
  return (opened, accepted)
}

/// Sends a few bytes there and back.
func echoes(_ client: any TransportStream, _ server: any TransportStream, _ bytes: [UInt8]) async throws -> Bool {
  async let sending: Void = client.send(bytes)
  let there = try await server.receive(exactly: bytes.count)
  try await sending
  async let answering: Void = server.send(there)
  let back = try await client.receive(exactly: bytes.count)
  try await answering
  return there == bytes && back == bytes
}

let second: UInt64 = 1_000_000_000
