internal import Foundation

/// When genomes in quarantine are judged again.
struct QuarantineSchedule: Sendable {
  struct Entry: Codable, Equatable, Sendable {
    var attempts = 0
    /// Unix milliseconds.
    var next: Int64 = 0
  }
  private struct Document: Codable {
    var version = 1
    var genomes: [String: Entry] = [:]
  }

  static let most = 4_096
  private(set) var entries: [String: Entry] = [:]
  private var isChanged = false

  init() {}
  init(kept bytes: [UInt8]?) { entries = bytes.flatMap { try? JSONDecoder().decode(Document.self, from: Data($0)) }?.genomes ?? [:] }

  var isEmpty: Bool { entries.isEmpty }

  /// What is to be kept, if anything has changed since it was asked for.
  mutating func changes() -> [UInt8]? {
    guard isChanged else { return nil }
    isChanged = false
    return (try? JSONEncoder().encode(Document(genomes: entries))).map { [UInt8]($0) }
  }

  /// A genome was put into quarantine, or stayed there.
  /// - Returns: milliseconds until it is judged again; nil: it is not.
  mutating func postpone(_ genome: String, now: Int64, _ settings: ExchangeSettings, _ counters: ExchangeCounters) -> Int64? {
    var entry = entries[genome] ?? Entry()
    guard entry.attempts < settings[.quarantineRetries], entries[genome] != nil || entries.count < Self.most else {
      counters.reached(.quarantineRetries)
      remove(genome)
      return nil
    }
    let wait = Int64(settings[.quarantineRetryMilliseconds]) << Int64(min(entry.attempts, 20))
    entry = Entry(attempts: entry.attempts + 1, next: now + wait)
    (entries[genome], isChanged) = (entry, true)
    return wait
  }

  /// Something has come that a genome may have waited for.
  mutating func hasten(_ genome: String, now: Int64) {
    guard var entry = entries[genome], entry.next > now else { return }
    entry.next = now
    (entries[genome], isChanged) = (entry, true)
  }

  mutating func remove(_ genome: String) { if entries.removeValue(forKey: genome) != nil { isChanged = true } }

  func due(_ now: Int64) -> [String] { entries.filter { $0.value.next <= now }.keys.sorted() }
}
