// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension TransportCheck {
  static let identity: [TransportCheck] = [
    TransportCheck("identity") { scene in
      let listener = try await scene.server.listen(on: scene.address)
      for expected in [scene.serverID, nil] {
        let pair = try await scene.connect(listener, expecting: expected)
        try require(pair.client.peer == scene.serverID, "the dialler to see the listener's key", "it saw \(pair.client.peer.bytes)")
        try require(pair.server.peer == scene.clientID, "the listener to see the dialler's key", "it saw \(pair.server.peer.bytes)")
        await pair.client.close(code: 0, reason: "done")
      }
      await listener.close()
    },
    TransportCheck("wrong-peer-refused") { scene in
      let listener = try await scene.server.listen(on: scene.address)
      let dialling = Task { _ = try await scene.client.dial(listener.address, expecting: scene.strangerID) }
      let result = try await promptly("a dial that expects another peer to end", within: scene.options.promptness) { await dialling.result }
      if case .success = result { throw Finding.failed("a dial that expects another peer to throw", "it gave a connection") }
      // The refusal costs the others nothing.
      let pair = try await nextGood(scene, listener)
      try require(pair.peer == scene.serverID, "the next dial to be answered", "it reached another peer")
      await pair.close(code: 0, reason: "done")
      await listener.close()
    },
    TransportCheck("channel-binding") { scene in
      let listener = try await scene.server.listen(on: scene.address)
      let first = try await scene.connect(listener, expecting: scene.serverID), second = try await scene.connect(listener, expecting: scene.serverID)
      defer { withExtendedLifetime((first, second)) {} }
      let bindings = (first.client.channelBinding, second.client.channelBinding)
      if !scene.client.info.features.contains(.encrypted) && bindings.0.isEmpty { throw Finding.skipped("the transport is not encrypted") }
      try require(bindings.0.count >= 16, "a channel binding of at least 16 bytes", "it has \(bindings.0.count)")
      try require(first.server.channelBinding == bindings.0 && second.server.channelBinding == bindings.1, "the same channel binding at both ends", "they differ")
      try require(bindings.0 != bindings.1, "another channel binding for another connection", "two connections have the same")
      await listener.close()
    },
    TransportCheck("concurrent-dials") { scene in
      let listener = try await scene.server.listen(on: scene.address), count = scene.options.dials
      let accepting = Task {
        // Held to the end: a transport may close what nobody holds.
        var held: [any TransportConnection] = []
        for _ in 0..<count {
          let connection = try await listener.accept(), stream = try await connection.acceptStream()
          held.append(connection)
          try await stream.send(try await stream.receive(exactly: 8))
          try await stream.finish()
        }
        return held
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<count {
          group.addTask {
            let connection = try await scene.client.dial(listener.address, expecting: scene.serverID), stream = try await connection.openStream()
            let word = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 8)
            try await stream.send(word)
            try require(try await stream.receive(exactly: 8) == word, "each connection to carry its own bytes", "connection \(number) got others")
            try await stream.expectEnd("the end after the echo")
            await connection.close(code: 0, reason: "done")
          }
        }
        do { try await group.waitForAll() } catch {
          accepting.cancel()
          throw error
        }
      }
      for connection in try await accepting.value { await connection.close(code: 0, reason: "done") }
      await listener.close()
    },
    TransportCheck("bad-address-refused") { scene in
      for address in ["", "\(scene.client.info.scheme)://", "nothing://127.0.0.1:1", "\(scene.client.info.scheme)://bad host:1", "\(scene.client.info.scheme)://[::1:1"] {
        let dialling = Task { _ = try await scene.client.dial(address, expecting: nil) }
        try await scene.expectError(.invalid, "a dial of \"\(address)\"", from: dialling)
      }
    },
  ]

  /// Dials and accepts until a connection works: one that the dialler refused may come first.
  private static func nextGood(_ scene: TransportScene, _ listener: any TransportListener) async throws -> any TransportConnection {
    let accepting = Task {
      // Held until the dial is through: a transport may close what nobody holds.
      var held: [any TransportConnection] = []
      while true { held.append(try await listener.accept()) }
    }
    defer { accepting.cancel() }
    return try await scene.client.dial(listener.address, expecting: scene.serverID)
  }
}
