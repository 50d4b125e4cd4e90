internal import Synchronization

extension Tokenizer {
  /// The tokens of a text.
  /// - Parameters:
  ///   - parsingSpecial: whether the text of a special token is that token. Never for what a user wrote: it would let a user end
  ///     a turn and speak as the system. Added tokens that are not special are found either way.
  ///   - addingSpecial: whether the model's own rule adds its tokens before and behind the text, as `<|begin_of_text|>`.
  public func encode(_ text: String, parsingSpecial: Bool = false, addingSpecial: Bool = false) -> [Int32] {
    encode([TextPiece(text, isTrusted: parsingSpecial)], addingSpecial: addingSpecial)
  }

  /// The tokens of a text of which only some pieces may hold special tokens. A special token is found where all of it is trusted; everything
  /// else is as for the whole text at once, so words reach across pieces.
  public func encode(_ pieces: [TextPiece], addingSpecial: Bool = false) -> [Int32] {
    var bytes: [UInt8] = []
    var trusted: [Range<Int>] = []
    for piece in pieces {
      let start = bytes.count
      bytes.append(contentsOf: piece.text.utf8)
      guard piece.isTrusted, bytes.count > start else { continue }
      if let last = trusted.last, last.upperBound == start { trusted[trusted.count - 1] = last.lowerBound..<bytes.count } else { trusted.append(start..<bytes.count) }
    }
    guard encoder != nil else { return bytes.map { Int32($0) } }
    var tokens = addingSpecial ? prefix : []
    tokens.reserveCapacity(bytes.count / 3 + 8)
    bytes.withUnsafeBytes { text in cache.use { encode(text, trusted: trusted, into: &tokens, &$0) } }
    if addingSpecial { tokens.append(contentsOf: suffix) }
    return tokens
  }

  private func encode(_ text: UnsafeRawBufferPointer, trusted: [Range<Int>], into tokens: inout [Int32], _ cache: inout PieceCache) {
    var position = 0
    let matches = plainMatcher.matches(in: text) { Self.covers(trusted, $0) }
    for match in matches {
      encodeSegment(text, position..<match.range.lowerBound, trusted, into: &tokens, &cache)
      tokens.append(match.token.id)
      position = match.range.upperBound
    }
    encodeSegment(text, position..<text.count, trusted, into: &tokens, &cache)
  }

  /// Text between tokens: normalised, searched for the tokens of normalised text, cut and encoded.
  private func encodeSegment(_ text: UnsafeRawBufferPointer, _ range: Range<Int>, _ trusted: [Range<Int>], into tokens: inout [Int32], _ cache: inout PieceCache) {
    guard !range.isEmpty else { return }
    let plain = UnsafeRawBufferPointer(rebasing: text[range])
    let normalized = normalizer.apply(plain)
    // Where normalising moved the bytes, their places say nothing any more: all of the segment is trusted or nothing is.
    let isTrusted = Self.covers(trusted, range)
    func run(_ segment: UnsafeRawBufferPointer, moved: Bool, _ tokens: inout [Int32], _ cache: inout PieceCache) {
      let matches = normalizedMatcher.matches(in: segment) { place in
        moved ? isTrusted : Self.covers(trusted, (range.lowerBound + place.lowerBound)..<(range.lowerBound + place.upperBound))
      }
      var position = 0
      for match in matches {
        encodePieces(UnsafeRawBufferPointer(rebasing: segment[position..<match.range.lowerBound]), into: &tokens, &cache)
        tokens.append(match.token.id)
        position = match.range.upperBound
      }
      encodePieces(UnsafeRawBufferPointer(rebasing: segment[position...]), into: &tokens, &cache)
    }
    if let normalized {
      normalized.withUnsafeBytes { run($0, moved: true, &tokens, &cache) }
    } else {
      run(plain, moved: false, &tokens, &cache)
    }
  }

  private func encodePieces(_ text: UnsafeRawBufferPointer, into tokens: inout [Int32], _ cache: inout PieceCache) {
    guard let encoder, !text.isEmpty else { return }
    preTokenizer.pieces(text) { piece in
      cache.append(piece, to: &tokens) { encoder.encode(piece, into: &$0) }
    }
  }

  /// Whether one of the ranges, which are in order and apart, holds another.
  private static func covers(_ ranges: [Range<Int>], _ range: Range<Int>) -> Bool {
    var low = 0, high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < range.upperBound { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= range.lowerBound && ranges[low].upperBound >= range.upperBound
  }
}

/// Text, and whether special tokens in it count.
public struct TextPiece: Sendable, Equatable {
  public var text: String
  /// Whether it comes from the model's own template rather than from a user.
  public var isTrusted: Bool

  public init(_ text: String, isTrusted: Bool) { (self.text, self.isTrusted) = (text, isTrusted) }
}

/// A cache that several threads may ask for: who finds it taken works with one of its own.
final class PieceCacheBox: Sendable {
  private let cache = Mutex(PieceCache())

  func use(_ body: (inout PieceCache) -> Void) {
    let done: Void? = cache.withLockIfAvailable { body(&$0) }
    guard done == nil else { return }
    var own = PieceCache()
    body(&own)
  }
}
