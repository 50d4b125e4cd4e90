// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension TransportCheck {
  static let endings: [TransportCheck] = [
    TransportCheck("reset") { scene in
      try await scene.withPair { pair in
        let (client, server) = try await scene.openStream(pair)
        let waiting = Task { _ = try await server.receive(upTo: 16) }
        try await scene.settle()
        await client.reset(code: 7)
        try await scene.expectError(.closed, "the peer's receive after a reset", from: waiting)
        try await scene.expectError(.closed, "the own receive after a reset", from: Task { _ = try await client.receive(upTo: 16) })
        try await scene.expectError(.closed, "the own send after a reset", from: Task { try await client.send([1]) })
        // Only this stream.
        let (other, accepted) = try await scene.openStream(pair)
        try await accepted.send([9])
        try require(try await other.receive(exactly: 1) == [9], "other streams to go on after a reset", "another byte came")
      }
    },
    TransportCheck("reset-ends-a-blocked-send") { scene in
      try await scene.withStream { client, server, _ in
        let sending = Task {
          let pattern = TransportPattern(seed: 9)
          while true { try await pattern.send(TransportPattern.period, on: client) { TransportPattern.period } }
        }
        try await scene.settle()
        await server.reset(code: 1)
        try await scene.expectError(.closed, "a send that waits when the peer resets", from: Task { try await sending.value })
      }
    },
    TransportCheck("let-go-after-finish") { scene in
      try await scene.withPair { pair in
        for (who, sender, receiver) in [("the dialler", pair.client, pair.server), ("the listener", pair.server, pair.client)] {
          for count in [10, 100_000, 1 << 20] {
            let pattern = TransportPattern(seed: UInt64(count))
            let sending = Task {
              let stream = try await sender.openStream()
              try await pattern.send(count, on: stream) { TransportPattern.period }
              try await stream.finish()
            }
            let stream = try await receiver.acceptStream()
            try await promptly("\(count) bytes of \(who) that lets go of its stream after finish", within: scene.options.promptness) {
              try await pattern.expect(count, on: stream)
              try await stream.expectEnd("the end after \(count) bytes")
            }
            try await sending.value
            // Who let go of it wants nothing more, and may have said so.
            try? await stream.finish()
          }
        }
      }
    },
    TransportCheck("close-wakes-all") { scene in
      for closing in ["the dialler", "the listener"] {
        try await scene.withPair { pair in
          let (client, server) = try await scene.openStream(pair)
          let (blocked, unread) = try await scene.openStream(pair)
          let waiting: [(String, Task<Void, any Error>)] = [
            ("the dialler's receive", Task { _ = try await client.receive(upTo: 16) }),
            ("the listener's receive", Task { _ = try await server.receive(upTo: 16) }),
            ("the dialler's acceptStream", Task { _ = try await pair.client.acceptStream() }),
            ("the listener's acceptStream", Task { _ = try await pair.server.acceptStream() }),
            (
              "the dialler's send",
              Task {
                let pattern = TransportPattern(seed: 10)
                while true { try await pattern.send(TransportPattern.period, on: blocked) { TransportPattern.period } }
              }
            ),
          ]
          try await scene.settle()
          await (closing == "the dialler" ? pair.client : pair.server).close(code: 3, reason: "the check closes")
          for (what, task) in waiting { try await scene.expectError(.closed, "\(what), once \(closing) closes,", from: task) }
          try await scene.expectError(.closed, "openStream after close", from: Task { _ = try await pair.client.openStream() })
          withExtendedLifetime(unread) {}
        }
      }
    },
    TransportCheck("close-twice") { scene in
      try await scene.withPair { pair in
        try await promptly("two closes of both ends to return", within: scene.options.promptness) {
          for connection in [pair.client, pair.client, pair.server, pair.server] { await connection.close(code: 0, reason: "again") }
        }
      }
    },
    TransportCheck("listener-close") { scene in
      let listener = try await scene.server.listen(on: scene.address)
      let accepting = (0..<2).map { _ in Task { _ = try await listener.accept() } }
      try await scene.settle()
      await listener.close()
      await listener.close()
      for task in accepting { try await scene.expectError(.closed, "an accept that waits when its listener closes", from: task) }
      try await scene.expectError(.closed, "an accept after its listener closed", from: Task { _ = try await listener.accept() })
      let dialling = Task { _ = try await scene.client.dial(listener.address, expecting: scene.serverID) }
      let first = First<Bool>()
      Task { if case .success = await dialling.result { first.offer(true) } else { first.offer(false) } }
      Task {
        try? await scene.settle()
        first.offer(false)
      }
      try require(await first.value == false, "nobody to answer after the listener closed", "a dial succeeded")
      dialling.cancel()
      // The place is free again.
      await (try scene.server.listen(on: listener.address)).close()
    },
  ]
}
