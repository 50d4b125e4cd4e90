internal import CentramModel

/// Keys and values of one conversation, kept between its requests: the next prompt is read from where it differs.
public final class PromptCache {
  private var cache: KeyValueCache?
  private var tokens: [Int32] = []
  private var adapters: [AppliedAdapter] = []

  public init() {}

  /// Tokens that are held.
  public var count: Int { cache == nil ? 0 : tokens.count }

  /// Forgets all.
  public func clear() { (cache, tokens, adapters) = (nil, [], []) }

  /// Hands over a cache that holds as much of the prompt as is known, but its last token, whose logits are wanted. Until `put` there is none.
  func take(_ prompt: [Int32], adapters: [AppliedAdapter], capacity: Int) -> KeyValueCache? {
    defer { clear() }
    guard let cache, self.adapters == adapters, cache.capacity >= capacity else { return nil }
    let shared = zip(tokens, prompt).prefix { $0 == $1 }.count
    cache.truncate(to: min(shared, prompt.count - 1))
    return cache
  }

  func put(_ cache: KeyValueCache, _ tokens: [Int32], adapters: [AppliedAdapter]) { (self.cache, self.tokens, self.adapters) = (cache, tokens, adapters) }
}
