public import CentramModel
public import CentramNode
public import CentramStore
internal import Foundation

/// Adapters of random numbers in memory, and genomes made of them: for what does not measure.
public enum SmallAdapter {
  public static let base = String(repeating: "ab", count: 32)

  public static func contents(seed: UInt64, rank: Int = 2) -> AdapterContents {
    var contents = AdapterContents(
      modules: ["h.0.attn.c_attn", "h.0.mlp.c_proj"].map { name in
        .init(
          name: name, outputs: 6, inputs: 4, rank: rank, a: InitialWeights.normal(rank * 4, seed: seed, name: name + "A"),
          b: InitialWeights.normal(6 * rank, seed: seed, name: name + "B"))
      })
    contents.baseModel = "small"
    return contents
  }

  /// Makes one a genome of the library's node.
  public static func genome(_ seed: UInt64, rank: Int = 2, domain: String = "one", library: GenomeLibrary, scratch: String) throws -> GenomeRecord {
    let folder = "\(scratch)/adapter-\(seed)-\(rank)"
    try AdapterWriter.write(contents(seed: seed, rank: rank), to: folder)
    var description = GenomeDescription()
    (description.base, description.domain) = (base, domain)
    return try library.create(folder, description)
  }
}

/// Says that every sum is better than what came before it by a fixed amount a genome, and a mixture by less.
public struct FixedMeasuring: ModelMeasuring {
  public let domains = ["one", "two"]
  /// Nat a byte that each genome's update takes off the loss, in proportion to its weight; those that are not named 0.1.
  private let gains: [String: Double]
  /// Of a merge's bytes, which say nothing of its parents here.
  private let mergeGain: Double
  public init(gains: [String: Double] = [:], mergeGain: Double = 1) { (self.gains, self.mergeGain) = (gains, mergeGain) }

  public func losses(of model: MeasuredModel, domain: String) async throws(GenomePackageError) -> [Double] {
    func loss(_ terms: [MeasuredModel.Term]) -> Double {
      terms.reduce(2) { sum, term in
        switch term.update {
        case .genome(let id): sum - term.weight * (gains[id] ?? 0.1)
        case .adapter: sum - mergeGain
        case .random: sum
        }
      }
    }
    let value: Double
    switch model {
    case .sum(let terms): value = loss(terms)
    case .mixture(let experts): value = experts.reduce(2) { $0 - (2 - loss($1.terms)) * 0.75 }
    }
    return (0..<48).map { value + Double($0 % 7) * 0.01 }
  }
}
