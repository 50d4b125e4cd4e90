// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Synchronization

extension TransportCheck {
  static let bytes: [TransportCheck] = [
    TransportCheck("ordering") { scene in
      try await scene.withStream { client, server, _ in
        let pattern = TransportPattern(seed: scene.options.seed), count = 1 << 20
        let sending = Task {
          var random = SplitMix(state: scene.options.seed)
          try await pattern.send(count, on: client) { Int.random(in: 1...9_000, using: &random) }
          try await client.finish()
        }
        try await pattern.expect(count, on: server, capacity: 4_099)
        try await server.expectEnd("the end after \(count) bytes")
        try await sending.value
      }
    },
    TransportCheck("both-directions") { scene in
      try await scene.withStream { client, server, _ in
        let there = TransportPattern(seed: 1), back = TransportPattern(seed: 2), count = 1 << 20
        async let first: Void = there.send(count, on: client) { 10_007 }
        async let second: Void = back.send(count, on: server) { 20_011 }
        async let third: Void = back.expect(count, on: client)
        try await there.expect(count, on: server)
        _ = try await (first, second, third)
      }
    },
    TransportCheck("one-byte-writes") { scene in
      try await scene.withStream { client, server, _ in
        let pattern = TransportPattern(seed: 3), count = scene.options.oneByteWrites
        let sending = Task {
          try await pattern.send(count, on: client) { 1 }
          try await client.finish()
        }
        try await pattern.expect(count, on: server)
        try await server.expectEnd("the end after \(count) single bytes")
        try await sending.value
      }
    },
    TransportCheck("one-byte-reads") { scene in
      try await scene.withStream { client, server, _ in
        let pattern = TransportPattern(seed: 4), count = scene.options.oneByteWrites
        try await pattern.send(count, on: client) { count }
        try await pattern.expect(count, on: server, capacity: 1)
      }
    },
    TransportCheck("empty-write") { scene in
      try await scene.withStream { client, server, _ in
        try await client.send([])
        try await client.send([7])
        try require(try await server.receive(upTo: 16) == [7], "an empty write to send nothing", "something else than the next byte came")
      }
    },
    TransportCheck("bulk") { scene in
      try await scene.withStream { client, server, _ in
        let pattern = TransportPattern(seed: 5), count = scene.options.bulkBytes
        let sending = Task {
          try await pattern.send(count, on: client) { TransportPattern.period }
          try await client.finish()
        }
        try await pattern.expect(count, on: server)
        try await server.expectEnd("the end after \(count) bytes")
        try await sending.value
      }
    },
  ]

  static let flow: [TransportCheck] = [
    TransportCheck("back-pressure") { scene in
      try await scene.withStream { client, server, _ in
        let pattern = TransportPattern(seed: 6), piece = TransportPattern.period, limit = scene.options.maximumInFlight
        let progress = Progress()
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            while progress.mayGoOn(limit) {
              try await pattern.send(piece, from: progress.taken, on: client) { piece }
              progress.add(piece)
            }
            throw Finding.failed("a sender to wait while nobody reads, after at most \(limit) bytes", "\(progress.taken) bytes were taken")
          }
          // Held back is who made no progress for a while.
          group.addTask {
            var before = -1
            while before != progress.taken {
              before = progress.taken
              try await scene.settle()
            }
            progress.release()
            try await pattern.expect(before + piece, on: server)
          }
          try await group.next()
          group.cancelAll()
        }
      }
    },
    TransportCheck("no-head-of-line-blocking") { scene in
      try await scene.withPair { pair in
        let (full, unread) = try await scene.openStream(pair)
        let filling = Task {
          let pattern = TransportPattern(seed: 7)
          while true { try await pattern.send(TransportPattern.period, on: full) { TransportPattern.period } }
        }
        try await scene.settle()
        let (client, server) = try await scene.openStream(pair)
        try await promptly("another stream to pass one that is not read", within: scene.options.promptness) {
          for number in UInt8(0)..<10 {
            try await client.send([number])
            try await server.send(try await server.receive(exactly: 1))
            try require(try await client.receive(exactly: 1) == [number], "the echo of \(number)", "another byte came")
          }
        }
        filling.cancel()
        await unread.reset(code: 0)
        _ = await filling.result
      }
    },
  ]
}

/// How many bytes a sender got rid of.
private final class Progress: Sendable {
  private let state = Mutex((taken: 0, released: false))
  var taken: Int { state.withLock { $0.taken } }
  func add(_ count: Int) { state.withLock { $0.taken += count } }
  func release() { state.withLock { $0.released = true } }
  func mayGoOn(_ limit: Int) -> Bool { state.withLock { $0.released || $0.taken <= limit } }
}
