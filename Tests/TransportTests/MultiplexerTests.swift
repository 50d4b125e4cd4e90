import CentramPluginAPI
import CentramTransportSupport
import Foundation
import Testing

/// A multiplexer whose peer is the test: bytes in, bytes out.
private final class Bench: MultiplexerDriver, @unchecked Sendable {
  let multiplexer: Multiplexer, timers = ManualTimers()
  private let lock = Lock()
  private var aborted = false
  var isAborted: Bool { lock.withLock { aborted } }

  init(_ role: Multiplexer.Role = .listener, _ change: (inout MultiplexerSettings) -> Void = { _ in }) {
    var settings = MultiplexerSettings()
    change(&settings)
    multiplexer = Multiplexer(role: role, settings: settings, timers: timers)
    multiplexer.start(self)
  }

  func outputIsReady() {}
  func abort() { lock.withLock { aborted = true } }

  func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { multiplexer.receive($0) } }

  /// Everything that is to be sent now.
  func output() -> [UInt8] {
    var all: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count = multiplexer.takeOutput(into: buffer)
      guard count > 0 else { return all }
      all += buffer[..<count]
    }
  }

  var ended: String? { multiplexer.endError?.message }
}

/// Frames as a peer writes them, also wrong ones.
private enum Frame {
  static func number<N: FixedWidthInteger>(_ value: N) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
  static func raw(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, length: Int? = nil, _ payload: [UInt8] = []) -> [UInt8] {
    [type, flags, 0, 0] + number(stream) + number(UInt32(length ?? payload.count)) + payload
  }
  static func settings(version: UInt8 = 1, window: UInt32 = 1 << 20, connection: UInt32 = 8 << 20, streams: UInt32 = 256, payload: UInt32 = 16_384) -> [UInt8] {
    raw(6, [version] + [window, connection, streams, payload].flatMap { number($0) })
  }
  static func data(_ stream: UInt32, opens: Bool = false, ends: Bool = false, _ bytes: [UInt8] = []) -> [UInt8] {
    raw(0, flags: (opens ? 1 : 0) | (ends ? 2 : 0), stream: stream, bytes)
  }
  static func window(_ stream: UInt32, _ increment: UInt32) -> [UInt8] { raw(1, stream: stream, number(increment)) }
  static func reset(_ stream: UInt32) -> [UInt8] { raw(2, stream: stream, number(UInt64(1))) }
}

@Suite struct MultiplexerTests {
  struct Bad: Sendable, CustomTestStringConvertible {
    let name: String, frames: [UInt8], says: String
    var testDescription: String { name }
    init(_ name: String, _ frames: [UInt8], _ says: String, settings: Bool = true) {
      (self.name, self.frames, self.says) = (name, (settings ? Frame.settings() : []) + frames, says)
    }
  }

  static let bad: [Bad] = [
    Bad("unknown type", Frame.raw(7), "no frame that begins"),
    Bad("reserved bytes", [0, 1, 1, 0] + Frame.number(UInt32(1)) + Frame.number(UInt32(0)), "no frame that begins"),
    Bad("unknown flag", Frame.raw(0, flags: 4, stream: 1, [1]), "has the flags 4"),
    Bad("flag where none may be", Frame.raw(3, flags: 1, Frame.number(UInt64(0))), "has the flags 1"),
    Bad("data before settings", Frame.data(1, opens: true, [1]), "not the settings", settings: false),
    Bad("settings twice", Frame.settings(), "twice"),
    Bad("another version", Frame.settings(version: 2), "version 2", settings: false),
    Bad("a window of 0", Frame.settings(window: 0), "out of range", settings: false),
    Bad("too large a window", Frame.settings(connection: 1 << 31), "out of range", settings: false),
    Bad("no streams", Frame.settings(streams: 0), "out of range", settings: false),
    Bad("a payload limit of 0", Frame.settings(payload: 0), "out of range", settings: false),
    Bad("settings too short", Frame.raw(6, [1, 2, 3]), "with 3 bytes", settings: false),
    Bad("a giant length", Frame.raw(0, flags: 1, stream: 1, length: Int(UInt32.max)), "with 4294967295 bytes"),
    Bad("a payload above the limit", Frame.raw(0, flags: 1, stream: 1, length: 16_385), "with 16385 bytes"),
    Bad("data that does nothing", Frame.data(1, opens: true, [1]) + Frame.data(1), "without data"),
    Bad("data for the connection", Frame.data(0, opens: true, [1]), "for stream 0"),
    Bad("a ping for a stream", Frame.raw(3, stream: 1, Frame.number(UInt64(0))), "for stream 1"),
    Bad("a ping of 7 bytes", Frame.raw(3, [UInt8](repeating: 0, count: 7)), "with 7 bytes"),
    Bad("a reason that is too long", Frame.raw(5, [UInt8](repeating: 65, count: 265)), "with 265 bytes"),
    Bad("the listener's number", Frame.data(2, opens: true, [1]), "not its own"),
    Bad("a number again", Frame.data(1, opens: true, [1]) + Frame.data(1, opens: true, [1]), "not its own or not higher"),
    Bad("a lower number", Frame.data(5, opens: true, [1]) + Frame.data(3, opens: true, [1]), "not higher"),
    Bad("data for a stream that was never opened", Frame.data(1, [1]), "never opened"),
    Bad("data for a stream that we never opened", Frame.data(2, [1]), "never opened"),
    Bad("credit for a stream that was never opened", Frame.window(9, 1), "never opened"),
    Bad("a reset for a stream that was never opened", Frame.reset(9), "never opened"),
    Bad("data after the end", Frame.data(1, opens: true, ends: true, [1]) + Frame.data(1, [1]), "after its end"),
    Bad("credit of 0", Frame.data(1, opens: true, [1]) + Frame.window(1, 0), "widened by 0"),
    Bad("credit beyond the range", Frame.data(1, opens: true, [1]) + Frame.window(1, UInt32(Int32.max)), "more than"),
    Bad("credit for the connection beyond the range", Frame.window(0, UInt32(Int32.max)), "more than"),
  ]

  @Test(arguments: bad) func eachBadFrameEndsTheConnectionWithItsOwnError(bad: Bad) {
    // At once, and byte by byte.
    for piece in [bad.frames.count, 1] {
      let bench = Bench()
      for start in stride(from: 0, to: bad.frames.count, by: piece) { bench.receive(Array(bad.frames[start..<min(start + piece, bad.frames.count)])) }
      #expect(bench.ended?.contains(bad.says) == true, "\(bad.name) said: \(bench.ended ?? "nothing")")
      // The peer is told, and then it is over.
      #expect(bench.output().first == 5 && bench.multiplexer.outputEnded)
    }
  }

  @Test func aStreamTakesItsWindowAndNotAByteMore() {
    for excess in [0, 1] {
      let bench = Bench { $0.streamWindow = 2_000 }
      bench.receive(Frame.settings() + Frame.data(1, opens: true, [UInt8](repeating: 7, count: 2_000)))
      #expect(bench.ended == nil)
      if excess > 0 { bench.receive(Frame.data(1, [1])) }
      #expect((bench.ended?.contains("stream 1, which may get 0 more") ?? false) == (excess > 0))
    }
  }

  @Test func aConnectionTakesItsWindowAndNotAByteMore() {
    let bench = Bench { ($0.streamWindow, $0.connectionWindow) = (2_000, 3_000) }
    bench.receive(Frame.settings() + Frame.data(1, opens: true, [UInt8](repeating: 7, count: 2_000)) + Frame.data(3, opens: true, [UInt8](repeating: 7, count: 1_000)))
    #expect(bench.ended == nil)
    bench.receive(Frame.data(3, [1]))
    #expect(bench.ended?.contains("the connection may get 0 more") == true)
  }

  @Test func aPeerOpensAsManyStreamsAsAllowedAndNotOneMore() {
    let bench = Bench { $0.maximumStreams = 4 }
    bench.receive(Frame.settings() + (0..<4).flatMap { Frame.data(UInt32(2 * $0 + 1), opens: true, [1]) })
    #expect(bench.ended == nil && bench.multiplexer.openStreams == 4)
    bench.receive(Frame.reset(3) + Frame.data(9, opens: true, [1]))
    #expect(bench.ended == nil && bench.multiplexer.openStreams == 4)
    bench.receive(Frame.data(11, opens: true, [1]))
    #expect(bench.ended?.contains("the limit is 4") == true)
  }

  @Test func streamsThatAreOpenedAndResetLeaveNothing() {
    let bench = Bench()
    bench.receive(Frame.settings())
    for number in 0..<10_000 { bench.receive(Frame.data(UInt32(2 * number + 1), opens: true, [1]) + Frame.reset(UInt32(2 * number + 1))) }
    #expect(bench.ended == nil && bench.multiplexer.openStreams == 0)
  }

  @Test func pingsThatNobodyTakesTheAnswersOfReachALimit() {
    let bench = Bench { $0.controlFrameLimit = 100 }
    let ping = Frame.raw(3, Frame.number(UInt64(1)))
    bench.receive(Frame.settings() + [UInt8](repeatElement(ping, count: 100).joined()))
    #expect(bench.ended == nil)
    bench.receive(ping)
    #expect(bench.ended?.contains("the limit is 100") == true)
    // A peer that takes them goes on for ever.
    let other = Bench { $0.controlFrameLimit = 100 }
    other.receive(Frame.settings())
    for _ in 0..<500 {
      other.receive(ping)
      _ = other.output()
    }
    #expect(other.ended == nil)
  }

  @Test func dataForAStreamThatThisSideResetIsDroppedAndItsCreditReturned() async throws {
    let bench = Bench { ($0.streamWindow, $0.connectionWindow) = (1_000, 1_000) }
    let connection = MultiplexedConnection(bench.multiplexer, peer: PeerID([UInt8](repeating: 1, count: 32))!, channelBinding: [])
    bench.receive(Frame.settings() + Frame.data(1, opens: true, [1]))
    let stream = try await connection.acceptStream()
    await stream.reset(code: 9)
    for _ in 0..<50 {
      bench.receive(Frame.data(1, [UInt8](repeating: 2, count: 400)))
      _ = bench.output()
    }
    #expect(bench.ended == nil)
  }

  @Test func silenceBringsAPingAndThenTheEnd() {
    let bench = Bench { ($0.keepAliveNanoseconds, $0.idleNanoseconds) = (10 * second, 30 * second) }
    bench.receive(Frame.settings())
    _ = bench.output()
    bench.timers.advance(9 * second)
    #expect(bench.output().isEmpty)
    bench.timers.advance(2 * second)
    #expect(bench.output().first == 3)
    bench.timers.advance(25 * second)
    #expect(bench.ended?.contains("nothing was heard") == true)
    // A peer that answers is kept.
    let kept = Bench { ($0.keepAliveNanoseconds, $0.idleNanoseconds) = (10 * second, 30 * second) }
    kept.receive(Frame.settings())
    for _ in 0..<20 {
      kept.timers.advance(8 * second)
      kept.receive(Frame.raw(4, Frame.number(UInt64(0))))
    }
    #expect(kept.ended == nil)
  }

  @Test func aPeerThatDoesNotTakeTheGoodbyeIsDropped() {
    let bench = Bench { $0.lingerNanoseconds = 2 * second }
    bench.receive(Frame.settings())
    bench.multiplexer.close(code: 1, reason: "enough")
    bench.timers.advance(second)
    #expect(!bench.isAborted)
    bench.timers.advance(2 * second)
    #expect(bench.isAborted)
  }

  @Test func mutatedFramesNeverCrashAndNeverFillTheMemory() {
    let rounds = Int(ProcessInfo.processInfo.environment["CENTRAM_FUZZ_ROUNDS"] ?? "") ?? 4_000
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed)
    let good: [[UInt8]] = [
      Frame.data(1, opens: true, [1, 2, 3]), Frame.data(1, [4, 5]), Frame.data(3, opens: true, ends: true, [6]), Frame.window(0, 100), Frame.window(1, 100), Frame.reset(3),
      Frame.raw(3, Frame.number(UInt64(5))), Frame.raw(4, Frame.number(UInt64(5))), Frame.data(5, opens: true, [UInt8](repeating: 1, count: 500)), Frame.data(1, ends: true),
    ]
    var ended = 0, survived = 0
    for _ in 0..<rounds {
      let bench = Bench { ($0.streamWindow, $0.connectionWindow, $0.maximumStreams) = (4_096, 16_384, 8) }
      var bytes = Frame.settings() + (0..<Int.random(in: 1...12, using: &random)).flatMap { _ in good.randomElement(using: &random)! }
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        default: bytes.insert(.random(in: 0...255, using: &random), at: place)
        }
      }
      var start = 0
      while start < bytes.count {
        let piece = min(bytes.count - start, Int.random(in: 1...64, using: &random))
        bench.receive(Array(bytes[start..<(start + piece)]))
        start += piece
      }
      #expect(bench.multiplexer.openStreams <= 8, "seed \(seed)")
      if let message = bench.ended {
        ended += 1
        #expect(!message.isEmpty, "seed \(seed)")
      } else {
        survived += 1
      }
    }
    #expect(ended > 0 && survived > 0, "seed \(seed): \(ended) ended, \(survived) survived")
  }

  @Test func twoMultiplexersAgreeWhateverThePiecesOfThePipe() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let timers = SystemTimers(), link = PieceLink(seed: seed, timers: timers)
    let (client, server) = link.connections()
    let (opened, accepted) = try await stream(client, server)
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    #expect(try await echoes(opened, accepted, bytes), "seed \(seed)")
    await client.close(code: 0, reason: "done")
  }
}

struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Two multiplexers, joined by a pipe that cuts bytes into pieces of random sizes.
private final class PieceLink: @unchecked Sendable {
  final class End: MultiplexerDriver, @unchecked Sendable {
    let multiplexer: Multiplexer
    weak var other: End?
    private let pump = SerialPump(), timers: any TransportTimers
    private var random: SeededGenerator
    init(_ role: Multiplexer.Role, _ timers: any TransportTimers, _ seed: UInt64) {
      (self.timers, random) = (timers, SeededGenerator(seed))
      multiplexer = Multiplexer(role: role, timers: timers)
    }
    func abort() {}
    func outputIsReady() {
      pump.run {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 20_000, alignment: 16)
        defer { buffer.deallocate() }
        while true {
          let count = multiplexer.takeOutput(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int.random(in: 300...20_000, using: &random)]))
          guard count > 0 else { return }
          var rest = [UInt8](buffer[..<count])[...]
          while !rest.isEmpty {
            let piece = Array(rest.prefix(Int.random(in: 1...7_000, using: &random)))
            rest = rest.dropFirst(piece.count)
            timers.schedule(after: 0) { [weak other] in piece.withUnsafeBytes { other?.multiplexer.receive($0) } }
          }
        }
      }
    }
  }

  let ends: (End, End)
  init(seed: UInt64, timers: any TransportTimers) {
    ends = (End(.dialler, timers, seed), End(.listener, timers, seed &+ 1))
    (ends.0.other, ends.1.other) = (ends.1, ends.0)
  }

  func connections() -> (any TransportConnection, any TransportConnection) {
    ends.0.multiplexer.start(ends.0)
    ends.1.multiplexer.start(ends.1)
    let peer = PeerID([UInt8](repeating: 1, count: 32))!
    return (MultiplexedConnection(ends.0.multiplexer, peer: peer, channelBinding: []), MultiplexedConnection(ends.1.multiplexer, peer: peer, channelBinding: []))
  }
}
