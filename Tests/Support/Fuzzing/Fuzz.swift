internal import Foundation

/// How many inputs a fuzz test makes and from which seed. `CENTRAM_FUZZ_ROUNDS` and `CENTRAM_FUZZ_SEED` say so for every one of them;
/// without them a test makes as many as continuous integration has time for, from a new seed.
public struct Fuzz: Sendable {
  public let rounds: Int
  public let seed: UInt64

  /// Prints the seed, which with the commit is a bug report.
  /// - Parameters:
  ///   - name: what the seed is printed with.
  ///   - rounds: where the environment says nothing.
  ///   - part: of how many a test makes its share of the rounds, with a seed of its own.
  public init(_ name: String, rounds: Int, part: Int = 0, of parts: Int = 1) {
    let environment = ProcessInfo.processInfo.environment
    self.rounds = (environment["CENTRAM_FUZZ_ROUNDS"].flatMap(Int.init) ?? rounds) / parts
    let first = environment["CENTRAM_FUZZ_SEED"].flatMap(UInt64.init)
    seed = (first ?? UInt64.random(in: 0 ... .max)) &+ UInt64(part)
    print("\(name): CENTRAM_FUZZ_SEED=\(seed &- UInt64(part)), \(self.rounds) rounds")
  }

  public var random: FuzzGenerator { FuzzGenerator(seed) }
}

/// Steele, Lea and Flood, 2014, https://doi.org/10.1145/2714064.2660195
public struct FuzzGenerator: RandomNumberGenerator, Sendable {
  public var state: UInt64
  public init(_ seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
