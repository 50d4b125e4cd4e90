import CQuic
import CentramPluginAPI
import Foundation
import Synchronization
import Testing

@testable import Transport_Quic

/// A node for tests: a key from a number, the system's clock, settings.
struct Node: HostServices {
  let seed: [UInt8], publicKey: [UInt8], clock: TurnedClock

  init(_ number: UInt8, clock: TurnedClock = TurnedClock()) {
    self.clock = clock
    seed = (0..<32).map { UInt8($0) &+ number &* 37 }
    publicKey = Self.key(seed)
  }

  func service(_ id: String) -> (any Sendable)? {
    switch id {
    case "centram.clock/1": clock
    case "centram.identity/1": Identity(node: self)
    default: nil
    }
  }
  func log(_ level: LogLevel, _ message: String) {}

  func transport(_ settings: [String: Any] = [:]) throws -> QuicTransport {
    let json = String(decoding: try JSONSerialization.data(withJSONObject: settings), as: UTF8.self)
    return try QuicTransport(PluginEnvironment(services: self, configurationJSON: json))
  }

  var id: PeerID { PeerID(publicKey)! }

  private static func key(_ seed: [UInt8]) -> [UInt8] {
    var configuration = QuicSettings().configuration(seed: seed), key = [UInt8](repeating: 0, count: 32)
    let endpoint = "x".withCString {
      configuration.alpn = $0
      return cquic_endpoint_new(&configuration, nil)
    }
    cquic_endpoint_key(endpoint!, &key)
    cquic_endpoint_free(endpoint)
    return key
  }

  private struct Identity: IdentityService {
    let node: Node
    var publicKey: [UInt8] { node.publicKey }
    func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { throw PluginError(.unsupported, "not needed here") }
    func exportSeed() throws(PluginError) -> [UInt8] { node.seed }
  }
}

/// Two nodes, connected.
struct Pair {
  let client: any TransportConnection, server: any TransportConnection, listener: any TransportListener
  let dialler: QuicTransport, listening: QuicTransport

  init(client: [String: Any] = [:], server: [String: Any] = [:], host: String = "127.0.0.1", clock: TurnedClock = TurnedClock()) async throws {
    dialler = try Node(1, clock: clock).transport(client)
    listening = try Node(2, clock: clock).transport(server)
    let listener = try await listening.listen(on: "quic://\(host):0")
    self.listener = listener
    async let accepted = listener.accept()
    self.client = try await dialler.dial(listener.address, expecting: Node(2).id)
    self.server = try await accepted
  }

  /// A stream that the client opened, and the server's end of it.
  func stream() async throws -> (any TransportStream, any TransportStream) {
    let ours = try await client.openStream()
    return (ours, try await server.acceptStream())
  }

  var clientCore: Connection { (client as! QuicConnection).core }
  var serverCore: Connection { (server as! QuicConnection).core }
}

extension EventLoop {
  /// Runs `body` as the loop.
  func asked<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withUnsafeContinuation { continuation in submit { continuation.resume(returning: body()) } }
  }
}

extension TransportStream {
  func send(_ bytes: [UInt8]) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    try await send(UnsafeRawBufferPointer(buffer))
  }

  /// What arrives with one call; empty at the end.
  func receive(_ limit: Int = 65536) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { buffer.deallocate() }
    return Array(buffer[..<(try await receive(into: buffer))])
  }

  /// Everything up to the end.
  func receiveAll() async throws -> [UInt8] {
    var result: [UInt8] = []
    while true {
      let part = try await receive()
      if part.isEmpty { return result }
      result += part
    }
  }

  func receiveText() async throws -> String { String(decoding: try await receive(), as: UTF8.self) }
}

/// Bytes that tell where they belong.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251 &+ seed) } }

func code(_ body: () async throws -> Void) async -> PluginError.Code? {
  do {
    try await body()
    return nil
  } catch {
    return (error as? PluginError)?.code
  }
}

extension DatagramConnection {
  func send(datagram bytes: [UInt8]) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    try await sendDatagram(UnsafeRawBufferPointer(rebasing: buffer[..<bytes.count]))
  }

  func receiveDatagram(_ limit: Int = 2000) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { buffer.deallocate() }
    return Array(buffer[..<(try await receiveDatagram(into: buffer))])
  }
}

/// A clock that can be put forward.
final class TurnedClock: ClockService {
  private let ahead = Atomic<UInt64>(0)
  func advance(milliseconds: UInt64) { ahead.add(milliseconds * 1_000_000, ordering: .relaxed) }
  var unixMilliseconds: Int64 { Int64(monotonicNanoseconds / 1_000_000) }
  var monotonicNanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec) + ahead.load(ordering: .relaxed)
  }
}
