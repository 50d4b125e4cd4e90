public import CentramPluginAPI

/// One way to harm a node through a genome, and the gate layer that is there against it.
public struct GateAttack: Sendable, CustomStringConvertible {
  public let name: String
  /// The layer that stops it when all judge.
  public let layer: String
  /// Other layers that stop it where that one is taken out; empty: then it passes.
  public let covers: Set<String>
  public let direction: GateDirection
  /// Prepares the world that the genome meets, and makes it.
  public let make: @Sendable (inout CorpusWorld) -> CorpusGenome

  public init(
    _ name: String, _ layer: String, covers: Set<String> = [], direction: GateDirection = .inbound, _ make: @escaping @Sendable (inout CorpusWorld) -> CorpusGenome
  ) {
    (self.name, self.layer, self.covers, self.direction, self.make) = (name, layer, covers, direction, make)
  }

  public var description: String { "\(layer): \(name)" }

  /// Against the first five layers.
  public static let firstFive = format + signature + freshness + lineage + admission
}

extension CorpusWorld {
  /// The genome that an author who was accepted before would send next, to be made an attack.
  public func next(_ author: UInt64 = 1, seed: UInt64 = 7) -> GenomeDraft { draft(author: author, seed: seed) }
}

extension GenomeDraft {
  /// The same with other weights.
  func weights(_ weights: [UInt8]) -> GenomeDraft {
    var draft = self
    draft.weights = weights
    return draft
  }

  func configuration(_ configuration: [UInt8]) -> GenomeDraft {
    var draft = self
    draft.configuration = configuration
    return draft
  }
}
