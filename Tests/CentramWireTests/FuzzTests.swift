import CentramWire
import Foundation
import Testing

/// SplitMix64.
private struct Random: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct FuzzTests {
  /// Frames of every type, mutated, a third signed again so that the mutation reaches the message. Each is a frame, a wait for more or a typed error;
  /// cut in two the bytes give the same; memory stays bounded. `CENTRAM_FUZZ_ROUNDS` sets the number, `CENTRAM_FUZZ_SEED` the seed.
  @Test func mutatedFramesAreReadOrRefusedWithATypedError() throws {
    let environment = ProcessInfo.processInfo.environment
    let rounds = environment["CENTRAM_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 20_000
    let seed = environment["CENTRAM_FUZZ_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
    print("seed \(seed), \(rounds) rounds")
    var random = Random(state: seed)
    let frames = try MessageType.allCases.map { try $0.filled().frame().bytes }
    let before = Self.residentKilobytes()
    var counts: [String: Int] = [:]
    for round in 0..<rounds {
      let bytes = Self.mutated(frames.randomElement(using: &random)!, frames, &random)
      let whole = Self.outcome([bytes[...]], &counts)
      if round % 4 == 0 {
        let at = Int.random(in: 0...bytes.count, using: &random)
        var ignored: [String: Int] = [:]
        #expect(Self.outcome([bytes[..<at], bytes[at...]], &ignored) == whole, "seed \(seed), round \(round), cut at \(at)")
      }
    }
    print(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    for code in ["frame", "message", "bad-magic", "unsupported-version", "bad-flags", "payload-too-long", "unknown-type", "bad-signature", "malformed-message", "invalid-field"] {
      #expect(counts[code, default: 0] > 0 || rounds < 5000, "no \(code) in \(rounds) rounds, seed \(seed)")
    }
    // Of the whole process: Scripts/test runs this suite in one of its own.
    let growth = Self.residentKilobytes() - before
    #expect(growth < 64 << 10, "resident memory grew by \(growth) kB, seed \(seed)")
  }

  /// What came of the bytes, in words.
  private static func outcome(_ pieces: [ArraySlice<UInt8>], _ counts: inout [String: Int]) -> [String] {
    var decoder = FrameDecoder()
    var words: [String] = []
    var arrived = 0
    pieces: for piece in pieces {
      arrived += piece.count
      piece.withUnsafeBytes { decoder.append($0) }
      reading: while true {
        do throws(WireError) {
          guard let frame = try decoder.next() else { break reading }
          words.append("frame")
          do throws(WireError) {
            _ = try frame.anyMessage()
            words.append("message")
          } catch { words.append(error.code.rawValue) }
        } catch {
          words.append(error.code.rawValue)
          if !error.keepsFraming { break pieces }
        }
      }
      if decoder.capacity > 2 * arrived + 2048 { words.append("held too much") }
    }
    #expect(!words.contains("held too much"))
    for word in words { counts[word, default: 0] += 1 }
    return words
  }

  private static func mutated(_ frame: [UInt8], _ frames: [[UInt8]], _ random: inout Random) -> [UInt8] {
    var bytes = frame
    let signAgain = Int.random(in: 0..<3, using: &random) == 0
    // What is signed again is changed in its payload; else anywhere, the header above all.
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let range = signAgain && bytes.count > 181 ? 116..<bytes.count - 64 : random.next() % 2 == 0 ? 0..<min(116, bytes.count) : 0..<bytes.count
      guard !range.isEmpty else { continue }
      let at = Int.random(in: range, using: &random)
      switch random.next() % 8 {
      case 0, 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes[at] = [0, 1, 127, 128, 254, 255].randomElement(using: &random)!
      case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
      case 4: bytes.remove(at: at)
      case 5:
        let end = min(at + Int.random(in: 1...16, using: &random), range.upperBound)
        bytes.replaceSubrange(at..<end, with: bytes[range.lowerBound..<min(range.lowerBound + end - at, range.upperBound)])
      case 6: if signAgain { bytes[at] = UInt8.random(in: 0...255, using: &random) } else { bytes.removeSubrange(at...) }
      default: if signAgain { bytes[at] = UInt8.random(in: 0...255, using: &random) } else { bytes += frames.randomElement(using: &random)! }
      }
      if bytes.isEmpty { return bytes }
    }
    guard signAgain, bytes.count >= 180 else { return bytes }
    let length = UInt32(bytes.count - 180).bigEndian
    withUnsafeBytes(of: length) { bytes.replaceSubrange(112..<116, with: $0) }
    bytes.replaceSubrange(bytes.count - 64..<bytes.count, with: alice.sign(bytes[..<(bytes.count - 64)], domain: .frame))
    return bytes
  }

  private static func residentKilobytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }.flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } } ?? 0
  }
}
