// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// Two instances and what a check needs to know of them.
struct TransportScene: Sendable {
  let server: any Transport, client: any Transport
  let serverID: PeerID, clientID: PeerID, strangerID: PeerID
  let address: String
  let options: TransportConformance.Options

  /// Two ends of one connection.
  struct Pair: Sendable { let client: any TransportConnection, server: any TransportConnection }

  func connect(_ listener: any TransportListener, expecting expected: PeerID?) async throws -> Pair {
    let accepting = Task { try await listener.accept() }
    do {
      let dialled = try await client.dial(listener.address, expecting: expected)
      return Pair(client: dialled, server: try await accepting.value)
    } catch {
      accepting.cancel()
      throw error
    }
  }

  /// Listens, dials, and tidies up.
  func withPair(_ body: (Pair) async throws -> Void) async throws {
    let listener = try await server.listen(on: address)
    do {
      let pair = try await connect(listener, expecting: serverID)
      do { try await body(pair) } catch {
        await pair.client.close(code: 0, reason: "a check failed")
        await listener.close()
        throw error
      }
      await pair.client.close(code: 0, reason: "done")
      await pair.server.close(code: 0, reason: "done")
    } catch {
      await listener.close()
      throw error
    }
    await listener.close()
  }

  /// A stream whose first byte, 0x2A, has arrived: some transports tell the other side of a stream with its first bytes.
  func openStream(_ pair: Pair) async throws -> (client: any TransportStream, server: any TransportStream) {
    let opened = try await pair.client.openStream()
    try await opened.send([0x2A])
    let accepted = try await pair.server.acceptStream()
    try require(try await accepted.receive(exactly: 1) == [0x2A], "the stream's first byte to be 0x2A", "another came")
    return (opened, accepted)
  }

  func withStream(_ body: (any TransportStream, any TransportStream, Pair) async throws -> Void) async throws {
    try await withPair { pair in
      let (client, server) = try await openStream(pair)
      try await body(client, server, pair)
    }
  }

  /// Lets an operation that was begun get to where it waits.
  func settle() async throws { try await Task.sleep(for: options.settling) }

  /// Requires that `operation` ends soon and throws a `PluginError` of the code.
  func expectError(_ code: PluginError.Code, _ what: String, from operation: Task<Void, any Error>) async throws {
    let result = try await promptly("\(what) to end", within: options.promptness) { await operation.result }
    switch result {
    case .success: throw Finding.failed("\(what) to throw \"\(code)\"", "it returned")
    case .failure(let error as PluginError): try require(error.code == code, "\(what) to throw \"\(code)\"", "it threw \(error)")
    case .failure(let error): throw Finding.failed("\(what) to throw a PluginError", "it threw \(error)")
    }
  }
}

extension TransportStream {
  func send(_ bytes: [UInt8]) async throws(PluginError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    defer { copy.deallocate() }
    try await send(UnsafeRawBufferPointer(copy))
  }

  /// - Returns: at most `count` bytes; none at the end.
  func receive(upTo count: Int) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    let received = try await receive(into: buffer)
    try require((0...count).contains(received), "receive to return 0 to \(count)", "it returned \(received)")
    return [UInt8](buffer[..<received])
  }

  func receive(exactly count: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try await receive(upTo: count - bytes.count)
      try require(!more.isEmpty, "\(count) bytes", "the end came after \(bytes.count)")
      bytes += more
    }
    return bytes
  }

  func expectEnd(_ what: String) async throws {
    let rest = try await receive(upTo: 64)
    try require(rest.isEmpty, what, "\(rest.count) more bytes came")
  }
}
