import CentramNode
import CentramWire
import Foundation

/// Randomness of a test: printed, and repeated with CENTRAM_FUZZ_SEED.
enum Seeds {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func fuzz(_ what: String) -> SplitMix64 {
    let seed = ProcessInfo.processInfo.environment["CENTRAM_FUZZ_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0 ... .max)
    print("\(what): CENTRAM_FUZZ_SEED=\(seed)")
    return SplitMix64(state: seed)
  }

  static func rounds(_ standard: Int) -> Int { ProcessInfo.processInfo.environment["CENTRAM_FUZZ_ROUNDS"].flatMap(Int.init) ?? standard }

  static func key(_ number: Int) -> NodeKey {
    var random = SplitMix64(state: UInt64(number) &+ 1)
    return NodeKey((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })!
  }
}
