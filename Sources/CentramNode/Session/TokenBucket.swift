/// Lets through so many a second on average, and a burst at once.
struct TokenBucket: Sendable {
  /// Tokens a second, and most that are saved up.
  let rate: Double, burst: Double
  private var tokens: Double
  private var last: UInt64

  /// A full bucket.
  /// - Parameter now: nanoseconds.
  init(tokensPerSecond rate: Double, burst: Double, now: UInt64) {
    (self.rate, self.burst) = (rate, burst)
    (tokens, last) = (burst, now)
  }

  /// Takes a token, if there is one.
  mutating func take(now: UInt64) -> Bool {
    if now > last {
      tokens = min(burst, tokens + Double(now - last) * rate / 1e9)
      last = now
    }
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  /// Whether it is as good as new, so that it need not be kept.
  func isFull(now: UInt64) -> Bool { tokens + Double(now > last ? now - last : 0) * rate / 1e9 >= burst }
}
