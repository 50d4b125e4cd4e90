// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension TransportCheck {
  static let streams: [TransportCheck] = [
    TransportCheck("many-streams") { scene in
      try await scene.withPair { pair in
        let count = scene.options.streams, size = 20_000
        let answering = Task {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count {
              let stream = try await pair.server.acceptStream()
              group.addTask {
                let number = try await stream.receive(exactly: 2), pattern = TransportPattern(seed: UInt64(number[0]) << 8 | UInt64(number[1]))
                try await pattern.expect(size, on: stream)
                try await stream.expectEnd("the end after \(size) bytes")
                try await stream.send(number)
                try await stream.finish()
              }
            }
            try await group.waitForAll()
          }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in 0..<count {
            group.addTask {
              let stream = try await pair.client.openStream(), number = [UInt8(index >> 8), UInt8(index & 255)]
              try await stream.send(number)
              try await TransportPattern(seed: UInt64(index)).send(size, on: stream) { 4_001 }
              try await stream.finish()
              try require(try await stream.receive(exactly: 2) == number, "each stream to carry its own bytes", "stream \(index) got others")
              try await stream.expectEnd("the end after the answer")
            }
          }
          do { try await group.waitForAll() } catch {
            answering.cancel()
            throw error
          }
        }
        try await answering.value
      }
    },
    TransportCheck("streams-from-the-listener") { scene in
      try await scene.withPair { pair in
        let opened = try await pair.server.openStream()
        try await opened.send([1, 2, 3])
        try await opened.finish()
        let accepted = try await pair.client.acceptStream()
        try require(try await accepted.receive(exactly: 3) == [1, 2, 3], "1, 2, 3 from the listener's stream", "others came")
        try await accepted.expectEnd("the end after three bytes")
        try await accepted.send([4])
        try await accepted.finish()
        try require(try await opened.receive(exactly: 1) == [4], "4 back", "another came")
        try await opened.expectEnd("the end after one byte")
      }
    },
    // Finished streams must make room for others.
    TransportCheck("stream-after-stream") { scene in
      try await scene.withPair { pair in
        for number in 0..<(scene.options.streams * 8) {
          let stream = try await pair.client.openStream(), byte = UInt8(truncatingIfNeeded: number)
          try await stream.send([byte])
          try await stream.finish()
          let accepted = try await pair.server.acceptStream()
          try require(try await accepted.receive(exactly: 1) == [byte], "stream \(number) to come in its turn", "another came")
          try await accepted.expectEnd("the end after one byte")
          try await accepted.finish()
          try await stream.expectEnd("the end of stream \(number)")
        }
      }
    },
    TransportCheck("half-close") { scene in
      try await scene.withStream { client, server, _ in
        try await client.send([1])
        try await client.finish()
        try require(try await server.receive(exactly: 1) == [1], "1 before the end", "another came")
        try await server.expectEnd("the end after the sender's finish")
        try await server.expectEnd("the end again when asked again")
        for number in UInt8(2)..<5 {
          try await server.send([number])
          try require(try await client.receive(exactly: 1) == [number], "the other direction to go on", "another byte came")
        }
        try await server.finish()
        try await client.expectEnd("the end of the other direction")
      }
    },
    TransportCheck("half-close-by-the-acceptor") { scene in
      try await scene.withStream { client, server, _ in
        try await server.finish()
        try await client.expectEnd("the end after the acceptor's finish")
        let pattern = TransportPattern(seed: 8), count = 100_000
        let sending = Task {
          try await pattern.send(count, on: client) { 999 }
          try await client.finish()
        }
        try await pattern.expect(count, on: server)
        try await server.expectEnd("the end of the opener's direction")
        try await sending.value
      }
    },
    TransportCheck("send-after-finish-refused") { scene in
      try await scene.withStream { client, _, _ in
        try await client.finish()
        try await scene.expectError(.closed, "a send after finish", from: Task { try await client.send([1]) })
      }
    },
  ]
}
