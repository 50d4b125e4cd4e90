public import CentramWire

/// Contacts in buckets by distance, twenty each. Who answered stays as long as it answers; newcomers wait. One network holds few places, so that many
/// names at one address do not surround anybody. Times are Unix milliseconds.
public struct RoutingTable: Sendable {
  public struct Limits: Sendable {
    public var bucket = 20, replacements = 8
    /// Contacts of one network (/24 or /64) in a bucket and in the table, and of one /48.
    public var perPrefixInBucket = 2, perPrefix = 10, perWidePrefix = 20
    /// Failures in a row after which a contact goes.
    public var failures = 3
    public init() {}
  }

  public struct Contact: Sendable, Equatable {
    public var record: VerifiedRecord
    public var point: TablePoint
    /// When it last answered.
    public var answered: UInt64
    public var failures = 0
    /// Networks that it is counted under.
    var prefixes: Set<NetworkPrefix>
    public var key: NodeKey { record.key }

    init(_ record: VerifiedRecord, at now: UInt64) {
      (self.record, point, answered) = (record, TablePoint(of: record.key), now)
      prefixes = record.prefixes
    }
  }

  private struct Bucket: Sendable { var contacts: [Contact] = [], waiting: [Contact] = [], used: UInt64 = 0 }

  public let own: TablePoint
  public let limits: Limits
  private let ownKey: NodeKey
  private var buckets: [Int: Bucket] = [:]
  public private(set) var refusedByNetwork = 0

  public init(own: NodeKey, limits: Limits = Limits()) { (ownKey, self.own, self.limits) = (own, TablePoint(of: own), limits) }

  public var contacts: [Contact] { buckets.values.flatMap(\.contacts) }
  public var count: Int { buckets.values.reduce(0) { $0 + $1.contacts.count } }

  public func contact(_ key: NodeKey) -> Contact? { buckets[index(of: TablePoint(of: key))]?.contacts.first { $0.key == key } }

  /// A node answered, over a connection that proved its key.
  /// - Returns: whether it has a place now.
  @discardableResult public mutating func answered(_ record: VerifiedRecord, at now: UInt64) -> Bool {
    guard record.key != ownKey else { return false }
    let contact = Contact(record, at: now), index = index(of: contact.point)
    var bucket = buckets[index] ?? Bucket()
    bucket.waiting.removeAll { $0.key == record.key }
    if let place = bucket.contacts.firstIndex(where: { $0.key == record.key }) {
      var known = bucket.contacts.remove(at: place)
      if record.number > known.record.number, allows(contact.prefixes.subtracting(known.prefixes), in: bucket) { (known.record, known.prefixes) = (record, contact.prefixes) }
      (known.answered, known.failures) = (now, 0)
      bucket.contacts.append(known)
      buckets[index] = bucket
      return true
    }
    guard allows(contact.prefixes, in: bucket) else {
      refusedByNetwork += 1
      return false
    }
    if bucket.contacts.count < limits.bucket {
      bucket.contacts.append(contact)
      buckets[index] = bucket
      return true
    }
    bucket.waiting.append(contact)
    if bucket.waiting.count > limits.replacements { bucket.waiting.removeFirst() }
    buckets[index] = bucket
    return false
  }

  /// A node did not answer. After three times in a row somebody who waited takes its place.
  public mutating func failed(_ key: NodeKey) {
    let index = index(of: TablePoint(of: key))
    guard var bucket = buckets[index] else { return }
    bucket.waiting.removeAll { $0.key == key }
    if let place = bucket.contacts.firstIndex(where: { $0.key == key }) {
      bucket.contacts[place].failures += 1
      if bucket.contacts[place].failures >= limits.failures || (!bucket.waiting.isEmpty && bucket.contacts[place].failures > 1) {
        bucket.contacts.remove(at: place)
        buckets[index] = bucket
        while let next = bucket.waiting.popLast() {
          if allows(next.prefixes, in: bucket) {
            bucket.contacts.append(next)
            break
          }
        }
      }
    }
    buckets[index] = bucket
  }

  /// A peer took its record back.
  public mutating func remove(_ key: NodeKey) {
    let index = index(of: TablePoint(of: key))
    buckets[index]?.contacts.removeAll { $0.key == key }
    buckets[index]?.waiting.removeAll { $0.key == key }
  }

  /// The contacts nearest to a point, nearest first.
  public func nearest(_ target: TablePoint, _ count: Int, except key: NodeKey? = nil, now: UInt64 = 0) -> [Contact] {
    let all = contacts
    var places: [(distance: TablePoint, index: Int)] = []
    places.reserveCapacity(all.count)
    for index in all.indices { places.append((target.distance(to: all[index].point), index)) }
    places.sort { $0.distance < $1.distance }
    return Array(places.lazy.map { all[$0.index] }.filter { $0.key != key && $0.record.expires > now }.prefix(count))
  }

  /// Drops those whose records have expired.
  public mutating func expire(now: UInt64) {
    for index in buckets.keys {
      buckets[index]!.contacts.removeAll { $0.record.expires <= now }
      buckets[index]!.waiting.removeAll { $0.record.expires <= now }
    }
  }

  /// Points to look up so that every bucket up to the farthest used one stays filled: one for each that nobody looked into for an hour.
  public mutating func refreshes(now: UInt64, random: inout RandomSource) -> [TablePoint] {
    let deepest = min(buckets.filter { !$0.value.contacts.isEmpty }.keys.max() ?? 0, 24)
    var result: [TablePoint] = []
    for index in 0...deepest where (buckets[index]?.used ?? 0) + 3_600_000 <= now {
      buckets[index, default: Bucket()].used = now
      result.append(own.neighbour(sharing: index, random: &random))
    }
    return result
  }

  private func index(of point: TablePoint) -> Int { min(own.sharedBits(with: point), 255) }

  private func allows(_ prefixes: Set<NetworkPrefix>, in bucket: Bucket) -> Bool {
    prefixes.allSatisfy { prefix in
      bucket.contacts.count { $0.prefixes.contains(prefix) } < limits.perPrefixInBucket
        && contacts.count { $0.prefixes.contains(prefix) } < limits.perPrefix
        && (prefix == prefix.wider || contacts.count { $0.prefixes.contains { $0.wider == prefix.wider } } < limits.perWidePrefix)
    }
  }
}
