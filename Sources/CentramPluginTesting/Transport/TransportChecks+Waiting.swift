// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension TransportCheck {
  /// Begins an operation, cancels it, once at once and once when it waits, and requires that it ends soon with `.cancelled`.
  private static func cancels(_ scene: TransportScene, _ what: String, _ operation: @escaping @Sendable () async throws -> Void) async throws {
    for waits in [false, true] {
      let task = Task { try await operation() }
      if waits { try await scene.settle() }
      task.cancel()
      try await scene.expectError(.cancelled, "\(what) that is cancelled\(waits ? " while it waits" : " at once")", from: task)
    }
  }

  static let waiting: [TransportCheck] = [
    TransportCheck("cancel-accept") { scene in
      let listener = try await scene.server.listen(on: scene.address)
      try await cancels(scene, "an accept") { _ = try await listener.accept() }
      let pair = try await scene.connect(listener, expecting: scene.serverID)
      try require(pair.server.peer == scene.clientID, "the listener to go on", "it accepted another peer")
      await listener.close()
    },
    TransportCheck("cancel-accept-stream") { scene in
      try await scene.withPair { pair in
        try await cancels(scene, "an acceptStream") { _ = try await pair.server.acceptStream() }
        _ = try await scene.openStream(pair)
      }
    },
    TransportCheck("cancel-receive") { scene in
      try await scene.withStream { client, server, _ in
        try await cancels(scene, "a receive") { _ = try await server.receive(upTo: 16) }
        try await client.send([5, 6])
        try require(try await server.receive(exactly: 2) == [5, 6], "a cancelled receive to lose nothing", "other bytes came")
      }
    },
    TransportCheck("cancel-send") { scene in
      try await scene.withStream { client, unread, pair in
        let sending = Task {
          let pattern = TransportPattern(seed: 11)
          while true { try await pattern.send(TransportPattern.period, on: client) { TransportPattern.period } }
        }
        try await scene.settle()
        sending.cancel()
        try await scene.expectError(.cancelled, "a send that is cancelled while it waits", from: Task { try await sending.value })
        await client.reset(code: 0)
        let (other, accepted) = try await scene.openStream(pair)
        try await accepted.send([1])
        try require(try await other.receive(exactly: 1) == [1], "the connection to go on after a cancelled send", "another byte came")
        withExtendedLifetime(unread) {}
      }
    },
  ]

  static let datagrams: [TransportCheck] = [
    TransportCheck("datagrams") { scene in
      guard scene.client.info.features.contains(.datagrams) else { throw Finding.skipped("the transport offers no datagrams") }
      try await scene.withPair { pair in
        guard let client = pair.client as? any DatagramConnection, let server = pair.server as? any DatagramConnection else {
          throw Finding.failed("connections that carry datagrams, as the features say", "they are no DatagramConnection")
        }
        for size in [1, 100, 1_000] {
          let sent = [UInt8](TransportPattern(seed: UInt64(size)).bytes(at: 0, count: size))
          // Datagrams may be lost; not all of twenty on a path without faults.
          let sending = Task {
            for _ in 0..<20 {
              try await client.sendDatagram(sent)
              try await scene.settle()
            }
          }
          let received = try await promptly("one of 20 datagrams of \(size) bytes to arrive", within: scene.options.promptness) {
            try await server.receiveDatagram(upTo: 2_000, length: size)
          }
          sending.cancel()
          try require(received == sent, "a datagram of \(size) bytes whole and as it was sent", "\(received.count) bytes came, or others")
        }
        try await cancels(scene, "a receiveDatagram") { _ = try await client.receiveDatagram(upTo: 2_000, length: 0) }
      }
    }
  ]
}

extension DatagramConnection {
  fileprivate func sendDatagram(_ bytes: [UInt8]) async throws(PluginError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    defer { copy.deallocate() }
    try await sendDatagram(UnsafeRawBufferPointer(copy))
  }

  /// The next datagram that is not a late copy of a shorter one.
  fileprivate func receiveDatagram(upTo capacity: Int, length: Int) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
    defer { buffer.deallocate() }
    while true {
      let count = try await receiveDatagram(into: buffer)
      try require((1...capacity).contains(count), "a datagram's size between 1 and \(capacity)", "it was \(count)")
      if count >= length { return [UInt8](buffer[..<count]) }
    }
  }
}
