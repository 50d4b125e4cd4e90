import CentramHost
import CentramLanes
import CentramPluginAPI
import Foundation
import Testing

@Suite struct CTransportTests {
  private static let host = Result { try Workshop.host(fixture: "transport", id: "test.transport.memory", kind: .transport) }
  private func transport() throws -> any Transport { try Self.host.get().transport("memory") }

  /// Both ends of a connection; each test has an address of its own.
  private func pair() async throws -> (client: any TransportConnection, server: any TransportConnection, listener: any TransportListener) {
    let transport = try transport(), address = "memory://\(UUID().uuidString)"
    let listener = try await transport.listen(on: address)
    #expect(listener.address == address)
    async let server = listener.accept()
    let client = try await transport.dial(address, expecting: PeerID([UInt8](repeating: 1, count: 32)))
    return (client, try await server, listener)
  }

  private func send(_ text: String, on stream: any TransportStream) async throws {
    let bytes = Array(text.utf8)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    try await stream.send(UnsafeRawBufferPointer(buffer))
  }

  private func receive(on stream: any TransportStream, upTo limit: Int = 1000) async throws -> String {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { buffer.deallocate() }
    let count = try await stream.receive(into: buffer)
    return String(decoding: buffer[..<count], as: UTF8.self)
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
      try await send(text, on: ours); try await ours.finish()
    }()
    var received = ""
    while true {
      let part = try await receive(on: theirs, upTo: 30_000)
      if part.isEmpty { break }
      received += part
    }
    try await sending
    #expect(received == text)
  }

  @Test func carriesDatagramsWhereItSaysSo() async throws {
    let (client, server, _) = try await pair()
    let sender = try #require(client as? any DatagramConnection), receiver = try #require(server as? any DatagramConnection)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1501, alignment: 1)
    defer { bytes.deallocate() }
    bytes.initializeMemory(as: UInt8.self, repeating: 7)
    try await sender.sendDatagram(UnsafeRawBufferPointer(rebasing: bytes[..<1500]))
    #expect(try await receiver.receiveDatagram(into: bytes) == 1500)
    let error = await #expect(throws: PluginError.self) { try await sender.sendDatagram(UnsafeRawBufferPointer(bytes)) }
    #expect(error?.code == .limitExceeded)
  }

  @Test func isNoDatagramConnectionWhereItHasNone() async throws {
    let host = try Workshop.host(fixture: "transport", id: "test.transport.memory", kind: .transport, flags: ["-DFIXTURE_FEATURES=0"])
    let transport = try host.transport("memory")
    _ = try await transport.listen(on: "memory://plain")
    #expect(!(try await transport.dial("memory://plain", expecting: nil) is any DatagramConnection))
  }

  @Test func throwsTypedErrorsForEachFailure() async throws {
    let transport = try transport()
    let nobody = await #expect(throws: PluginError.self) { _ = try await transport.dial("memory://nowhere", expecting: nil) }
    #expect(nobody == PluginError(.unavailable, "nobody listens there"))
    let (_, _, listener) = try await pair()
    let other = await #expect(throws: PluginError.self) {
      _ = try await transport.dial(listener.address, expecting: PeerID([UInt8](repeating: 5, count: 32)))
    }
    #expect(other == PluginError(.invalid, "another peer answered"))
    let zero = await #expect(throws: PluginError.self) { _ = try await transport.listen(on: "memory://zero") }
    #expect(zero?.message == "the plugin gave the handle 0; handles are positive")
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
    let waiting = Task { try await server.acceptStream() }
    await client.close(code: 0, reason: "done")
    await #expect(throws: PluginError.self) { _ = try await waiting.value }
  }

  @Test func countsASecondCompletionAndGoesOn() async throws {
    let (client, server, _) = try await pair()
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    let before = Completions.shared.superfluousCount
    try await send("double", on: ours)
    try await ours.finish()  // completed after the second completion of the send
    #expect(Completions.shared.superfluousCount > before)
    #expect(try await receive(on: theirs) == "double")
  }

  @Test func refusesAByteCountLargerThanTheBuffer() async throws {
    let (client, _, _) = try await pair()
    let stream = try await client.openStream()
    let error = await #expect(throws: PluginError.self) { _ = try await receive(on: stream, upTo: 1) }
    #expect(error?.message == "the plugin says that it wrote 99 bytes to a buffer of 1")
  }

  @Test func keepsFiveHundredOperationsApart() async throws {
    let (client, server, _) = try await pair()
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<500 { group.addTask { _ = try await client.openStream() } }
      try await group.waitForAll()
    }
    try await send("last", on: theirs)
    #expect(try await receive(on: ours) == "last")
  }
}
