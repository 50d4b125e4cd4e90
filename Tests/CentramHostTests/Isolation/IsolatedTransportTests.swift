import CentramHost
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

/// What `CTransportTests` hold in process, in a process of the transport's own, and a built-in transport by its conformance suite.
@Suite struct IsolatedTransportTests {
  private static let host = Result { try Isolated.host(fixture: "transport", id: "test.transport.memory", kind: .transport) }

  private func pair(_ host: PluginHost? = nil) async throws -> (client: any TransportConnection, server: any TransportConnection, listener: any TransportListener) {
    let transport = try (host ?? Self.host.get()).transport("memory"), address = "memory://\(UUID().uuidString)"
    let listener = try await transport.listen(on: address)
    #expect(listener.address == address)
    async let server = listener.accept()
    let client = try await transport.dial(address, expecting: PeerID([UInt8](repeating: 1, count: 32)))
    return (client, try await server, listener)
  }

  private func send(_ text: String, on stream: any TransportStream) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: text.utf8)
    try await stream.send(UnsafeRawBufferPointer(buffer))
  }

  private func receive(on stream: any TransportStream, upTo limit: Int = 1000) async throws -> String {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { buffer.deallocate() }
    return String(decoding: buffer[..<(try await stream.receive(into: buffer))], as: UTF8.self)
  }

  @Test func carriesStreamsBothWaysWithHalfClose() async throws {
    let (client, server, _) = try await pair()
    #expect(client.peer.bytes[0] == 1 && server.peer.bytes[0] == 2 && client.channelBinding == Array("binding".utf8))
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    try await send("hello", on: ours)
    #expect(try await receive(on: theirs) == "hello")
    try await ours.finish()
    #expect(try await receive(on: theirs) == "")
    try await send("still here", on: theirs)
    #expect(try await receive(on: ours) == "still here")
  }

  @Test func holdsASenderBackUntilThePeerReads() async throws {
    let (client, server, _) = try await pair()
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    let text = String(repeating: "abcdefgh", count: 50_000)
    async let sending: Void = {
      try await send(text, on: ours)
      try await ours.finish()
    }()
    var received = ""
    while case let part = try await receive(on: theirs, upTo: 30_000), !part.isEmpty { received += part }
    try await sending
    #expect(received == text)
  }

  @Test func endsWhatWaitsWhenItIsClosedOrReset() async throws {
    let (client, server, listener) = try await pair()
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    let reading = Task { try await receive(on: theirs) }
    await ours.reset(code: 1)
    await #expect(throws: PluginError.self) { _ = try await reading.value }
    let accepting = Task { try await listener.accept() }
    await listener.close()
    let closed = await #expect(throws: PluginError.self) { _ = try await accepting.value }
    #expect(closed?.code == .closed)
  }

  @Test func aTransportThatIsGoneEndsAllThatWaitsAndTheNextCallHasANewProcess() async throws {
    let host = try Isolated.host(fixture: "transport", id: "test.transport.memory", kind: .transport)
    let (client, server, listener) = try await pair(host)
    let accepting = Task { try await listener.accept() }, waiting = Task { try await server.acceptStream() }
    kill(try #require(host.snapshot().records.first?.health?.pid), SIGKILL)
    for error in [
      await #expect(throws: PluginError.self) { _ = try await accepting.value }, await #expect(throws: PluginError.self) { _ = try await waiting.value },
      await #expect(throws: PluginError.self) { _ = try await client.openStream() },
    ] { #expect(error?.message.contains("was killed") == true, "\(String(describing: error))") }
    _ = try await pair(host)
    #expect(host.snapshot().records.first?.health?.restarts == 1)
  }

  /// The built-in transport holds the node's key itself, so its operator must allow that.
  @Test(.timeLimit(.minutes(3))) func aBuiltInTransportKeepsItsPromisesInAProcessOfItsOwn() async throws {
    let folder = try Workshop.folder(), library = Built.folder + "/libcentram_Transport_Quic.so"
    try Workshop.plugin(library, id: "transport.quic", kind: .transport, in: folder) { manifest in
      manifest["lanes"] = ["swift"]
      manifest["api"] = ["c": "^1.0", "swift": "^1.0"]
      manifest["toolchain"] = String(cString: centram_compiled_toolchain())
      manifest["fingerprint"] = String(cString: centram_compiled_fingerprint())
    }
    var options = TransportConformance.Options()
    (options.bulkBytes, options.oneByteWrites, options.streams) = (2 << 20, 200, 16)
    let suite = TransportConformance(listenOn: "quic://127.0.0.1:0", options: options) { (environment) throws(PluginError) in
      let host = Isolated.host(folder, services: environment.services) { $0.exportsSeed = true }
      do throws(HostError) { return try host.transport("quic") } catch { throw error.cause ?? PluginError(.internalFailure, error.message) }
    }
    for result in await suite.run() { #expect(!result.failed, "\(result)") }
    let host = Isolated.host(folder, services: DefaultHostServices(services: ["centram.identity/1": Seeded()]))
    let transport = try host.transport("quic")
    let error = await #expect(throws: PluginError.self) { _ = try await transport.listen(on: "quic://127.0.0.1:0") }
    #expect(error?.message.contains("plugins.isolation.exportSeed") == true, "\(String(describing: error))")
  }

  private struct Seeded: IdentityService {
    var publicKey: [UInt8] { [UInt8](repeating: 1, count: 32) }
    func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { [UInt8](repeating: 2, count: 64) }
    func exportSeed() throws(PluginError) -> [UInt8] { [UInt8](repeating: 3, count: 32) }
  }
}
