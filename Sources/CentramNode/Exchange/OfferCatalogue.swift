internal import CentramGenome
internal import CentramStore
internal import CentramWire
internal import Foundation

/// The genomes that may leave the node, newest first.
struct OfferCatalogue: Sendable {
  struct Entry: Sendable {
    let record: GenomeRecord
    let summary: WireGenomeSummary
    var id: String { record.id }
  }

  private(set) var entries: [Entry] = []
  private var places: [String: Int] = [:]
  /// What the store was when this was made of it.
  var mark: [Int64] = []
  /// Counts up when there is something new to offer or to tell.
  var version = 0
  /// Genomes that the outbound gate refused since the node's start.
  var refused: Set<String> = []

  subscript(_ id: String) -> Entry? { places[id].map { entries[$0] } }

  mutating func replace(_ entries: [Entry]) {
    version += 1
    self.entries = entries.sorted { ($1.summary.madeMs, $0.id) < ($0.summary.madeMs, $1.id) }
    places = Dictionary(uniqueKeysWithValues: self.entries.enumerated().map { ($1.id, $0) })
  }

  /// - Parameter rank: of an adapter.
  static func summary(_ record: GenomeRecord, license: String, lift: Double, rank: Int) -> WireGenomeSummary {
    var summary = WireGenomeSummary()
    (summary.genome, summary.base, summary.author) = (Data(bytes(record.id)), Data(bytes(record.base)), Data(bytes(record.author)))
    (summary.authorSequence, summary.generation) = (record.sequence, UInt32(clamping: record.generation))
    summary.kind = record.kind == GenomeKind.adapter.rawValue ? .adapter : .fullDelta
    (summary.domain, summary.license) = (record.domain.prefix(utf8: 128), license.prefix(utf8: 128))
    (summary.size, summary.madeMs) = (UInt64(max(0, record.size)), UInt64(max(1, record.madeMilliseconds)))
    (summary.claimedLift, summary.rank) = (lift.isFinite ? lift : 0, UInt32(clamping: min(rank, 65_535)))
    return summary
  }

  /// What an author claims to have gained, in nats a byte: of a training on the held-out part of its data, of a merge on its own domain or else over all on
  /// which it measures; 0 where it claims none.
  static func claimedLift(_ manifest: Manifest) -> Double {
    for name in ["lift", "own_lift", "generalist_lift"] { if let metric = manifest.metrics.first(where: { $0.name == name }) { return metric.value } }
    return 0
  }

  /// Of what the gate measured of another's genome, what the author may know: the number that its hold-out's Ladder let out.
  static let releasedLift = "ladder.released"

  private static func bytes(_ text: String) -> [UInt8] { Hexadecimal.bytes(text.utf8) ?? [] }
}

extension String {
  /// As much of it as has so many bytes, without half a character.
  func prefix(utf8 count: Int) -> String {
    guard utf8.count > count else { return self }
    var result = "", used = 0
    for character in self {
      used += character.utf8.count
      if used > count { break }
      result.append(character)
    }
    return result
  }
}
