import CentramHost
import CentramPluginAPI
import Foundation
import Testing

/// The C lane has no way to take an operation back. What a cancelled caller leaves behind is neither lost nor written to its memory.
@Suite struct CTransportCancelTests {
  private static let host = Result { try Workshop.host(fixture: "transport", id: "test.transport.memory", kind: .transport) }

  private func listener() async throws -> any TransportListener { try await transport().listen(on: "memory://\(UUID().uuidString)") }
  private func transport() throws -> any Transport { try Self.host.get().transport("memory") }

  private func streams() async throws -> (ours: any TransportStream, theirs: any TransportStream) {
    let listener = try await listener()
    let client = try await transport().dial(listener.address, expecting: nil), server = try await listener.accept()
    return (try await client.openStream(), try await server.acceptStream())
  }

  private func send(_ bytes: [UInt8], on stream: any TransportStream) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    try await stream.send(UnsafeRawBufferPointer(buffer))
  }

  private func receive(on stream: any TransportStream, upTo limit: Int) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { buffer.deallocate() }
    return Array(buffer[..<(try await stream.receive(into: buffer))])
  }

  /// Begins an operation, cancels it at once or once it has had the time to wait, and requires that it ends so.
  private func expectCancelled(_ operation: @escaping @Sendable () async throws -> Void) async {
    for turns in [0, 200] {
      let task = Task { try await operation() }
      for _ in 0..<turns { await Task.yield() }
      task.cancel()
      let result = await task.result
      let error = #expect(throws: PluginError.self) { try result.get() }
      #expect(error?.code == .cancelled)
    }
  }

  @Test func aCancelledAcceptLeavesItsConnectionToTheNext() async throws {
    let listener = try await listener()
    await expectCancelled { _ = try await listener.accept() }
    let first = try await transport().dial(listener.address, expecting: nil), second = try await transport().dial(listener.address, expecting: nil)
    for client in [first, second] {
      let server = try await listener.accept(), ours = try await client.openStream(), theirs = try await server.acceptStream()
      try await send([7], on: ours)
      #expect(try await receive(on: theirs, upTo: 10) == [7])
    }
  }

  @Test func aConnectionThatCameForACancelledAcceptIsClosedWithItsListener() async throws {
    let listener = try await listener(), accepting = Task { _ = try await listener.accept() }
    for _ in 0..<200 { await Task.yield() }
    accepting.cancel()
    _ = await accepting.result
    let client = try await transport().dial(listener.address, expecting: nil), waiting = Task { _ = try await client.acceptStream() }
    await listener.close()
    let result = await waiting.result
    #expect(throws: PluginError.self) { try result.get() }
  }

  @Test func aCancelledAcceptOfAStreamLeavesItToTheNext() async throws {
    let listener = try await listener()
    let client = try await transport().dial(listener.address, expecting: nil), server = try await listener.accept()
    await expectCancelled { _ = try await server.acceptStream() }
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    try await send([8], on: ours)
    #expect(try await receive(on: theirs, upTo: 10) == [8])
  }

  @Test func aCancelledReceiveLosesNothing() async throws {
    let (ours, theirs) = try await streams()
    await expectCancelled { _ = try await receive(on: theirs, upTo: 3) }
    try await send([1, 2, 3, 4, 5, 6], on: ours)
    try await ours.finish()
    // The operation that was begun takes three at most; a smaller buffer then gets them in parts.
    var all: [UInt8] = []
    for limit in [2, 2, 100, 100, 100] { all += try await receive(on: theirs, upTo: limit) }
    #expect(all == [1, 2, 3, 4, 5, 6])
  }

  @Test func aCancelledReceiveDoesNotHideTheEnd() async throws {
    let (ours, theirs) = try await streams()
    await expectCancelled { _ = try await receive(on: theirs, upTo: 3) }
    try await ours.finish()
    #expect(try await receive(on: theirs, upTo: 3) == [])
    #expect(try await receive(on: theirs, upTo: 3) == [])
  }

  @Test func aSecondReceiverIsToldSo() async throws {
    let (ours, theirs) = try await streams()
    try await withThrowingTaskGroup(of: Result<[UInt8], any Error>.self) { group in
      for _ in 0..<2 {
        group.addTask { await Task { try await receive(on: theirs, upTo: 3) }.result }
      }
      // Nothing was sent, so who ends first is the one too many.
      let refused = try #require(try await group.next())
      let error = #expect(throws: PluginError.self) { try refused.get() }
      #expect(error?.code == .invalid)
      try await send([9], on: ours)
      let received = try #require(try await group.next()).get()
      #expect(received == [9])
    }
  }

  @Test func aCancelledSendResetsItsStreamAndNoOther() async throws {
    let listener = try await listener()
    let client = try await transport().dial(listener.address, expecting: nil), server = try await listener.accept()
    let ours = try await client.openStream(), theirs = try await server.acceptStream()
    let sending = Task { while true { try await send(Array(repeating: 1, count: 50_000), on: ours) } }
    for _ in 0..<2_000 { await Task.yield() }
    sending.cancel()
    let result = await sending.result
    let error = #expect(throws: PluginError.self) { try result.get() }
    #expect(error?.code == .cancelled)
    await #expect(throws: PluginError.self) { while true { _ = try await receive(on: theirs, upTo: 100_000) } }
    let other = try await client.openStream(), accepted = try await server.acceptStream()
    try await send([3], on: other)
    #expect(try await receive(on: accepted, upTo: 10) == [3])
  }

  @Test func aCancelledDatagramComesWholeToTheNextOrIsRefused() async throws {
    let listener = try await listener()
    let client = try #require(try await transport().dial(listener.address, expecting: nil) as? any DatagramConnection)
    let server = try #require(try await listener.accept() as? any DatagramConnection)
    let datagram = UnsafeMutableRawBufferPointer.allocate(byteCount: 900, alignment: 1), small = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
    defer { for buffer in [datagram, small] { buffer.deallocate() } }
    datagram.initializeMemory(as: UInt8.self, repeating: 5)
    await expectCancelled {
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1_500, alignment: 1)
      defer { buffer.deallocate() }
      _ = try await server.receiveDatagram(into: buffer)
    }
    try await client.sendDatagram(UnsafeRawBufferPointer(datagram))
    let error = await #expect(throws: PluginError.self) { _ = try await server.receiveDatagram(into: small) }
    #expect(error?.code == .limitExceeded)
    #expect(try await server.receiveDatagram(into: datagram) == 900)
  }
}
