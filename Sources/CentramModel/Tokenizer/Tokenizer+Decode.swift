extension Tokenizer {
  /// The text of tokens. Bytes that are no UTF-8 become U+FFFD, once for each sequence that a character could start with; ids without
  /// a token are left out.
  public func decode(_ ids: some Sequence<Int32>, skippingSpecial: Bool = false) -> String {
    var bytes: [UInt8] = []
    for id in ids where !(skippingSpecial && isSpecial(id)) { bytes.append(contentsOf: self.bytes(of: id)) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Decodes tokens as they come. A character whose bytes come in several tokens is held back until it is whole; all texts together are
/// what `decode` gives for all tokens.
public struct StreamingDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skippingSpecial: Bool
  /// The start of a character that is not whole: three bytes at most.
  private var held: [UInt8] = []

  public init(_ tokenizer: Tokenizer, skippingSpecial: Bool = false) { (self.tokenizer, self.skippingSpecial) = (tokenizer, skippingSpecial) }

  /// The text that the token completes; empty while a character is not whole.
  public mutating func push(_ id: Int32) -> String {
    guard !(skippingSpecial && tokenizer.isSpecial(id)) else { return "" }
    held.append(contentsOf: tokenizer.bytes(of: id))
    let whole = held.count - Self.unfinished(held)
    defer { held.removeFirst(whole) }
    return String(decoding: held[..<whole], as: UTF8.self)
  }

  /// What is still held back: U+FFFD, or nothing.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// How many bytes at the end could be the start of a character.
  private static func unfinished(_ bytes: [UInt8]) -> Int {
    for length in 1..<4 where length <= bytes.count {
      let first = bytes[bytes.count - length]
      if first & 0xc0 == 0x80 { continue }
      let needed = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
      guard needed > length, first >= 0xc2, first <= 0xf4 else { return 0 }
      guard length > 1 else { return length }
      let second = bytes[bytes.count - length + 1]
      let low: UInt8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80
      let high: UInt8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf
      return (low...high).contains(second) ? length : 0
    }
    return 0
  }
}
