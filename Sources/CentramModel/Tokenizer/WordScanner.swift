/// The splits into words of well-known tokenizers, written out by hand. `SplitPattern` runs the same regular expressions
/// as they stand and is the judge of these in the tests.
enum WordScanner: Sendable, Equatable {
  /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  case gpt2
  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  /// with as many digits together as the number says: 3 for Llama 3, 1 for Qwen 2.
  case llama3(digits: Int)

  private static let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let cased = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
  private static let spelt = #"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"#
  private static let cl100k = #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#

  static let known: [(pattern: String, scanner: WordScanner)] = [
    (#"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#, .gpt2),
    (cased + "{1,3}" + tail, .llama3(digits: 3)),
    (cased + tail, .llama3(digits: 1)),
    (cl100k, .llama3(digits: 3)),
  ]

  /// The scanner that does the same as a regular expression, if there is one.
  init?(pattern: String) {
    guard let found = Self.known.first(where: { $0.pattern == pattern }) else { return nil }
    self = found.scanner
  }

  /// The end of the word at a position; every character belongs to a word.
  @inline(__always)
  func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    switch self {
    case .gpt2: Self.gpt2(bytes, start)
    case .llama3(let digits): Self.llama3(bytes, start, digits)
    }
  }

  private static func gpt2(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    if bytes[start] == UInt8(ascii: "'"), case let length = contraction(bytes, start, anyCase: false), length > 0 { return start + length }
    let first = bytes[start] == 0x20 ? start + 1 : start
    if first < bytes.count {
      let (kind, length) = CharacterClass.of(bytes, first)
      if kind != .space { return run(of: kind, bytes, first + length) }
    }
    return spaces(bytes, start)
  }

  private static func llama3(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ digits: Int) -> Int {
    let byte = bytes[start]
    if byte == UInt8(ascii: "'"), case let length = contraction(bytes, start, anyCase: true), length > 0 { return start + length }
    let (kind, length) = CharacterClass.of(bytes, start)
    let second = start + length
    switch kind {
    case .letter: return run(of: .letter, bytes, second)
    case .number:
      var end = second
      for _ in 1..<digits where end < bytes.count {
        let (kind, length) = CharacterClass.of(bytes, end)
        guard kind == .number else { break }
        end += length
      }
      return end
    case .space, .other: break
    }
    if byte != 0x0d, byte != 0x0a, second < bytes.count, case let (next, length) = CharacterClass.of(bytes, second), next == .letter {
      return run(of: .letter, bytes, second + length)
    }
    let first = byte == 0x20 ? second : start
    if first < bytes.count, case let (kind, length) = CharacterClass.of(bytes, first), kind == .other {
      var end = run(of: .other, bytes, first + length)
      while end < bytes.count, bytes[end] == 0x0d || bytes[end] == 0x0a { end += 1 }
      return end
    }
    return lines(bytes, start)
  }

  /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d` at an apostrophe: its length, else 0. In any case, ſ is an s.
  private static func contraction(_ bytes: UnsafeRawBufferPointer, _ start: Int, anyCase: Bool) -> Int {
    guard start + 1 < bytes.count else { return 0 }
    let fold: UInt8 = anyCase ? 0x20 : 0
    let first = bytes[start + 1] | fold
    switch first {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"), UInt8(ascii: "l"):
      guard start + 2 < bytes.count else { return 0 }
      return bytes[start + 2] | fold == (first == UInt8(ascii: "l") ? first : UInt8(ascii: "e")) ? 3 : 0
    default: return anyCase && bytes[start + 1] == 0xc5 && bytes[start + 2] == 0xbf ? 3 : 0
    }
  }

  /// The end of a run of one kind.
  @inline(__always)
  private static func run(of kind: CharacterClass, _ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var end = start
    while end < bytes.count {
      let (next, length) = CharacterClass.of(bytes, end)
      guard next == kind else { break }
      end += length
    }
    return end
  }

  /// `\s+(?!\S)|\s+`: all but the last space where something follows.
  private static func spaces(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    let end = run(of: .space, bytes, start)
    guard end < bytes.count else { return end }
    let last = UTF8Text.start(before: end, bytes)
    return last > start ? last : end
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break, if there is one.
  private static func lines(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var end = start, afterBreak: Int?, last = start
    while end < bytes.count {
      let (kind, length) = CharacterClass.of(bytes, end)
      guard kind == .space else { break }
      if bytes[end] == 0x0d || bytes[end] == 0x0a { afterBreak = end + 1 }
      last = end
      end += length
    }
    if let afterBreak { return afterBreak }
    return end < bytes.count && last > start ? last : end
  }
}
