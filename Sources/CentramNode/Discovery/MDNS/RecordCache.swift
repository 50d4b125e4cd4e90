/// What the link said, for as long as it said so. Times are milliseconds.
struct RecordCache: Sendable {
  /// Names with records, and records of one name and type; more are not kept.
  static let maximumNames = 512, maximumRecords = 16
  /// Longer lives are cut: a day.
  static let maximumTTL: UInt32 = 86_400

  struct Key: Hashable, Sendable { var name: DNSName, type: DNSType }

  struct Entry: Sendable {
    var record: DNSRecord
    var received: UInt64, expires: UInt64
    /// How many of the four refreshes of RFC 6762, section 5.2 were asked for.
    var refreshes = 0

    /// The time of the next refresh: 80, 85, 90, 95 hundredths of the life, and a little more by chance.
    func refresh(jitter: UInt64) -> UInt64? {
      guard refreshes < 4, record.ttl > 1 else { return nil }
      return received + UInt64(record.ttl) * (800 + UInt64(refreshes) * 50 + jitter)
    }
    func remaining(at now: UInt64) -> UInt32 { now >= expires ? 0 : UInt32((expires - now) / 1000) }
  }

  private(set) var entries: [Key: [Entry]] = [:]
  /// Records passed over because a limit was reached.
  private(set) var refused = 0

  func records(_ name: DNSName, _ type: DNSType) -> [Entry] { entries[Key(name: name, type: type)] ?? [] }

  /// - Parameter limit: records of one name and type.
  mutating func add(_ record: DNSRecord, at now: UInt64, limit: Int = maximumRecords) {
    let key = Key(name: record.name, type: record.type)
    var list = entries[key] ?? []
    if record.cacheFlush {
      // Others of this name and type end in a second, unless they came in the same second (RFC 6762, section 10.2).
      for index in list.indices where !list[index].record.says(record) && now > list[index].received + 1000 { list[index].expires = min(list[index].expires, now + 1000) }
    }
    let known = list.firstIndex { $0.record.says(record) }
    if record.ttl == 0 {
      // A goodbye: one second for others to object (RFC 6762, section 10.1).
      if let known {
        list[known].expires = min(list[known].expires, now + 1000)
        list[known].refreshes = 4
      }
      entries[key] = list.isEmpty ? nil : list
      return
    }
    var kept = record
    kept.ttl = min(record.ttl, Self.maximumTTL)
    let entry = Entry(record: kept, received: now, expires: now + UInt64(kept.ttl) * 1000)
    if let known {
      list[known] = entry
    } else if list.count < limit, entries[key] != nil || entries.count < Self.maximumNames {
      list.append(entry)
    } else {
      refused += 1
    }
    if !list.isEmpty { entries[key] = list }
  }

  /// - Returns: whether anything ended.
  mutating func expire(at now: UInt64) -> Bool {
    var changed = false
    for (key, list) in entries where list.contains(where: { $0.expires <= now }) {
      let rest = list.filter { $0.expires > now }
      entries[key] = rest.isEmpty ? nil : rest
      changed = true
    }
    return changed
  }

  /// Questions for records that end soon, each marked as asked.
  mutating func refreshes(at now: UInt64, jitter: UInt64) -> Set<Key> {
    var due: Set<Key> = []
    for (key, list) in entries {
      for index in list.indices {
        guard let time = list[index].refresh(jitter: jitter), time <= now else { continue }
        entries[key]![index].refreshes += 1
        due.insert(key)
      }
    }
    return due
  }

  /// When a record ends or is to be asked for again.
  func deadline(jitter: UInt64) -> UInt64? {
    entries.values.joined().flatMap { [$0.expires, $0.refresh(jitter: jitter) ?? $0.expires] }.min()
  }

  mutating func remove(_ name: DNSName) { for key in entries.keys where key.name == name { entries[key] = nil } }
}
