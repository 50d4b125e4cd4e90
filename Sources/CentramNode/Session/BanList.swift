internal import Foundation

/// Points of misbehaviour by peer or source. They fade by half each half-life; who has too many is banned until they faded.
struct BanList: Sendable {
  private struct Entry {
    var points: Double
    var since: UInt64
  }

  let threshold: Double, halfLife: Double, capacity: Int
  private var entries: [[UInt8]: Entry] = [:]

  init(limits: Limits) {
    threshold = Double(limits[.banScore])
    halfLife = Double(max(1, limits[.banHalfLifeMilliseconds])) * 1e6
    capacity = limits[.bannedPeers]
  }

  var count: Int { entries.count }

  /// - Parameter now: nanoseconds.
  func points(_ key: [UInt8], now: UInt64) -> Double {
    guard let entry = entries[key] else { return 0 }
    return entry.points * exp2(-Double(now > entry.since ? now - entry.since : 0) / halfLife)
  }

  func isBanned(_ key: [UInt8], now: UInt64) -> Bool { reaches(points(key, now: now)) }

  /// To the nearest point, or twice half of the threshold would never be the whole: points fade from the first moment.
  private func reaches(_ points: Double) -> Bool { points.rounded() >= threshold }

  /// - Returns: whether the key is banned now and was not before.
  mutating func add(_ points: Double, to key: [UInt8], now: UInt64) -> Bool {
    let before = self.points(key, now: now)
    if entries[key] == nil, entries.count >= capacity { forget(now) }
    entries[key] = Entry(points: before + points, since: now)
    return !reaches(before) && reaches(before + points)
  }

  /// Makes room: those with almost no points go, and if all have some, the one with the fewest.
  private mutating func forget(_ now: UInt64) {
    let known = entries.keys.map { ($0, points($0, now: now)) }
    for (key, points) in known where points < 1 { entries[key] = nil }
    // By key where points are equal, so that it does not depend on the order of a dictionary.
    if entries.count >= capacity, let fewest = known.min(by: { ($0.1, Sorted($0.0)) < ($1.1, Sorted($1.0)) }) { entries[fewest.0] = nil }
  }

  private struct Sorted: Comparable {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    static func < (left: Sorted, right: Sorted) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
  }
}
