import EvolutionSamples
import Foundation

/// What is trained: a function of count and seed.
struct HonestPlan {
  let name: String, domain: String
  /// Number of the author; nil: the judging node itself.
  let author: Int?
  let recipe: Toy.Recipe
  /// The part of the domain's training text, from 0 to 1.
  let from: Double, to: Double
}

struct HonestOptions {
  var count = 200, authors = 40, baseSteps = 2000, threads = 2
  var seed: UInt64 = 1
  /// Print the evidence of the refusing layer, or of gate.fitness.
  var showsEvidence = false
  var work = NSTemporaryDirectory() + "/centram-honest"
  /// The checkout whose Swift is a domain.
  var repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  init(_ arguments: some Sequence<String>) throws {
    var iterator = arguments.makeIterator()
    while let name = iterator.next() {
      guard let value = iterator.next() else { throw HonestError("\(name): a value is missing") }
      switch (name, Int(value)) {
      case ("--count", let number?): count = max(1, number)
      case ("--authors", let number?): authors = min(250, max(1, number))
      case ("--base-steps", let number?): baseSteps = max(1, number)
      case ("--threads", let number?): threads = max(1, number)
      case ("--seed", let number?): seed = UInt64(max(0, number))
      case ("--evidence", let number?): showsEvidence = number != 0
      case ("--work", _): work = value
      case ("--repository", _): repository = value
      default: throw HonestError("\(name) \(value): known are --count, --authors, --base-steps, --threads, --seed, --evidence with numbers, --work and --repository with folders")
      }
    }
    try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
  }

  func adapter(_ plan: HonestPlan) -> String { "\(work)/adapters/\(plan.name)" }

  private func own(_ seed: UInt64) -> Toy.Recipe {
    var recipe = Toy.Recipe(steps: 300, rank: 8, seed: seed)
    (recipe.batch, recipe.learningRate) = (2, 0.002)
    return recipe
  }

  /// The node's own genome of each domain, then others' of different slices, ranks, steps and seeds.
  func plans(_ domains: [String]) -> [HonestPlan] {
    var draws = Draws(state: seed)
    var plans = domains.enumerated().map { place, domain in
      HonestPlan(name: "own-\(domain)", domain: domain, author: nil, recipe: own(seed &+ UInt64(place)), from: 0, to: 1)
    }
    for number in 0..<count {
      let domain = domains[number % domains.count], length = Double.random(in: 0.3...1, using: &draws), from = Double.random(in: 0...(1 - length), using: &draws)
      let rank = [4, 8, 16].randomElement(using: &draws)!, steps = [200, 250, 300].randomElement(using: &draws)!
      var recipe = Toy.Recipe(steps: steps, rank: rank, seed: UInt64.random(in: 0...(1 << 40), using: &draws))
      (recipe.batch, recipe.learningRate) = (2, [0.001, 0.0015, 0.002].randomElement(using: &draws)!)
      plans.append(
        HonestPlan(name: "g\(number)-s\(seed)-\(domain)-r\(rank)-n\(steps)", domain: domain, author: number % authors, recipe: recipe, from: from, to: from + length))
    }
    return plans
  }
}

/// SplitMix64.
struct Draws: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

struct HonestError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
