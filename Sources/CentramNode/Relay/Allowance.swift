/// So much a second on average, and a burst at once. What is taken may make it negative, so that a piece larger than the burst passes and is paid for
/// by the wait of what follows.
struct Allowance: Sendable {
  let perSecond: Double, burst: Double
  private var left: Double
  private var last: UInt64

  /// Full. Times are nanoseconds.
  init(perSecond: Double, burst: Double, now: UInt64) { (self.perSecond, self.burst, left, last) = (perSecond, burst, burst, now) }

  static func perMinute(_ count: Int, now: UInt64) -> Allowance { Allowance(perSecond: Double(count) / 60, burst: Double(count), now: now) }

  private mutating func refill(_ now: UInt64) {
    guard now > last else { return }
    left = min(burst, left + Double(now - last) * perSecond / 1e9)
    last = now
  }

  /// Takes one whole unit, if it is there.
  mutating func take(now: UInt64) -> Bool {
    refill(now)
    // Sums of fractions fall short of the whole by a little.
    guard left >= 1 - 1e-9 else { return false }
    left -= 1
    return true
  }

  /// Nanoseconds until anything may be taken; 0: now.
  mutating func wait(now: UInt64) -> UInt64 {
    refill(now)
    return left > 1e-6 ? 0 : perSecond <= 0 ? .max : UInt64(((1 - left) / perSecond * 1e9).rounded(.up))
  }

  mutating func spend(_ amount: Int) { left -= Double(amount) }

  /// As good as new, so that it need not be kept.
  func isFull(now: UInt64) -> Bool { left + Double(now > last ? now - last : 0) * perSecond / 1e9 >= burst }
}

/// Allowances by who asks, of which only those in use are kept.
struct Allowances<Key: Hashable & Sendable>: Sendable {
  let perMinute: Int
  /// Strangers must not make it grow: beyond this many, who is new is refused.
  let capacity: Int
  private var entries: [Key: Allowance] = [:]

  init(perMinute: Int, capacity: Int = 4_096) { (self.perMinute, self.capacity) = (perMinute, capacity) }

  mutating func take(_ key: Key, now: UInt64) -> Bool {
    if entries[key] == nil, entries.count >= capacity {
      entries = entries.filter { !$0.value.isFull(now: now) }
      guard entries.count < capacity else { return false }
    }
    return entries[key, default: .perMinute(perMinute, now: now)].take(now: now)
  }

  var count: Int { entries.count }
}
