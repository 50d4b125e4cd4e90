import CentramPluginAPI
import Testing

@testable import Transport_Quic

@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
  @Test(arguments: ["127.0.0.1", "[::1]", "localhost"]) func carriesAStreamBothWaysWithHalfClose(host: String) async throws {
    let pair = try await Pair(host: host)
    #expect(pair.client.peer == Node(2).id && pair.server.peer == Node(1).id)
    let (ours, theirs) = try await pair.stream()
    try await ours.send(Array("hello".utf8))
    #expect(try await theirs.receiveText() == "hello")
    try await ours.finish()
    #expect(try await theirs.receiveText() == "")
    try await theirs.send(Array("still here".utf8))
    #expect(try await ours.receiveText() == "still here")
    await pair.client.close(code: 7, reason: "done")
    let error = await #expect(throws: PluginError.self) { _ = try await pair.server.acceptStream() }
    #expect(error == PluginError(.closed, "the peer closed the connection with code 7: done"))
  }

  @Test func bothEndsHaveTheSameChannelBindingAndEachConnectionItsOwn() async throws {
    let first = try await Pair(), second = try await Pair()
    #expect(first.client.channelBinding.count == 32)
    #expect(first.client.channelBinding == first.server.channelBinding)
    #expect(first.client.channelBinding != second.client.channelBinding)
  }

  @Test func carriesMegabytesUnchanged() async throws {
    let pair = try await Pair()
    let (ours, theirs) = try await pair.stream()
    let bytes = pattern(5_000_000)
    async let sending: Void = {
      try await ours.send(bytes)
      try await ours.finish()
    }()
    #expect(try await theirs.receiveAll() == bytes)
    try await sending
  }
}
