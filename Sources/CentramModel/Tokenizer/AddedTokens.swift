/// A token that is looked for in the text itself, before the text is split into words.
struct AddedToken: Sendable, Equatable {
  var text: [UInt8]
  var id: Int32
  /// Controls the model rather than being text, as `<|im_end|>`.
  var isSpecial: Bool
  /// Not within a word.
  var isSingleWord = false
  /// Takes the white space before it, or behind it.
  var stripsLeft = false, stripsRight = false
  /// Looked for in the normalised text, itself normalised.
  var isNormalized = false
}

/// Finds added tokens: the leftmost first, the longest of those that start there, as the tokenizers library does.
struct AddedTokenMatcher: Sendable {
  private let tokens: [AddedToken]
  /// A trie. Its node 0 is the root; a node's children are a list by way of `sibling`.
  private var bytes: [UInt8] = [0]
  private var child: [Int32] = [-1]
  private var sibling: [Int32] = [-1]
  private var token: [Int32] = [-1]
  /// The root's children by their byte.
  private var first = [Int32](repeating: -1, count: 256)

  var isEmpty: Bool { tokens.isEmpty }

  /// Of several tokens with one text, the first counts.
  init(_ tokens: [AddedToken]) {
    self.tokens = tokens
    for (index, added) in tokens.enumerated() where !added.text.isEmpty {
      var node = 0
      for byte in added.text { node = node == 0 ? root(byte) : descend(node, byte) }
      if token[node] < 0 { token[node] = Int32(index) }
    }
  }

  private mutating func add(_ byte: UInt8) -> Int {
    bytes.append(byte)
    child.append(-1)
    sibling.append(-1)
    token.append(-1)
    return bytes.count - 1
  }

  private mutating func root(_ byte: UInt8) -> Int {
    if first[Int(byte)] < 0 { first[Int(byte)] = Int32(add(byte)) }
    return Int(first[Int(byte)])
  }

  private mutating func descend(_ node: Int, _ byte: UInt8) -> Int {
    var next = Int(child[node])
    while next >= 0 {
      if bytes[next] == byte { return next }
      next = Int(sibling[next])
    }
    let made = add(byte)
    sibling[made] = child[node]
    child[node] = Int32(made)
    return made
  }

  struct Match {
    let token: AddedToken
    /// With the white space that the token takes.
    let range: Range<Int>
  }

  /// The matches in a text, in order.
  /// - Parameter permits: whether a special token may stand at these bytes.
  func matches(in text: UnsafeRawBufferPointer, permits: (Range<Int>) -> Bool) -> [Match] {
    var found: [Match] = []
    guard !tokens.isEmpty else { return found }
    var position = 0, taken = 0
    while position < text.count {
      guard first[Int(text[position])] >= 0, case let (index, end) = longest(text, position), index >= 0 else {
        position += 1
        continue
      }
      let added = tokens[index]
      let start = position
      position = end
      if added.isSpecial, !permits(start..<end) { continue }
      if added.isSingleWord, Self.isWord(before: start, text) || Self.isWord(at: end, text) { continue }
      var left = start, right = end
      while added.stripsLeft, left > taken, case let previous = UTF8Text.start(before: left, text), CharacterClass.of(text, previous).kind == .space { left = previous }
      while added.stripsRight, right < text.count, case let (kind, length) = CharacterClass.of(text, right), kind == .space { right += length }
      left = max(left, taken)
      found.append(Match(token: added, range: left..<right))
      taken = right
      // What a token takes behind it is gone; a token that starts there is not found.
      position = max(position, right)
    }
    return found
  }

  private func longest(_ text: UnsafeRawBufferPointer, _ start: Int) -> (token: Int, end: Int) {
    var node = Int(first[Int(text[start])]), position = start + 1
    var best = (token: -1, end: start)
    while node >= 0 {
      if token[node] >= 0 { best = (Int(token[node]), position) }
      guard position < text.count else { break }
      var next = Int(child[node])
      while next >= 0, bytes[next] != text[position] { next = Int(sibling[next]) }
      node = next
      position += 1
    }
    return best
  }

  private static func isWord(at position: Int, _ text: UnsafeRawBufferPointer) -> Bool {
    position < text.count && isWord(UTF8Text.scalar(text, position).value)
  }

  private static func isWord(before position: Int, _ text: UnsafeRawBufferPointer) -> Bool {
    position > 0 && isWord(UTF8Text.scalar(text, UTF8Text.start(before: position, text)).value)
  }

  /// `\w`: letters, marks, decimal digits and connecting punctuation.
  private static func isWord(_ value: UInt32) -> Bool {
    guard let scalar = Unicode.Scalar(value) else { return false }
    if scalar.properties.isAlphabetic || value == 0x200c || value == 0x200d { return true }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
    default: return false
    }
  }
}
