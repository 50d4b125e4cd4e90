/// A set of tokens: a bit for each of the vocabulary.
public struct TokenMask: Sendable, Equatable {
  public let count: Int
  public private(set) var words: [UInt64]

  public init(count: Int) { (self.count, words) = (count, [UInt64](repeating: 0, count: (count + 63) / 64)) }

  init(count: Int, words: [UInt64]) { (self.count, self.words) = (count, words) }

  public func contains(_ token: Int32) -> Bool {
    token >= 0 && Int(token) < count && words[Int(token) / 64] >> UInt64(token % 64) & 1 == 1
  }

  public mutating func insert(_ token: Int32) {
    precondition(token >= 0 && Int(token) < count, "token \(token) is not in a vocabulary of \(count)")
    words[Int(token) / 64] |= 1 << UInt64(token % 64)
  }

  public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  /// In order of their ids.
  public var tokens: [Int32] {
    var result: [Int32] = []
    for (index, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        result.append(Int32(index * 64 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
    return result
  }
}
