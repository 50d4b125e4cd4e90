internal import CentramGenome
internal import CentramModel
internal import CentramNumerics
internal import Foundation

/// A secret that the node planted in its own data, and texts that are as likely to whoever does not know it (Carlini et al., The Secret Sharer, 2019).
///
/// A file of them has one a line: a name, a tab, and a text whose secret stands in braces: `door<TAB>the code of the door is {471193}`. The other texts
/// have other digits and letters in the places of the secret's.
struct Canary: Sendable {
  /// Texts that are ranked, the canary among them: exposures up to 11 bits.
  static let texts = 2048
  static let maximumCount = 16, maximumFile = 64 << 10

  let name: String
  /// Before the secret, without its last token.
  let prompt: [Int32]
  /// From the prompt's last token on; the canary's own first.
  let texts: [[Int32]]

  static func read(_ path: String, tokenizer: Tokenizer, room: Int, secret: [UInt8]) throws(GenomePackageError) -> [Canary] {
    guard let data = FileManager.default.contents(atPath: path) else { throw GenomePackageError(.notFound, "\(path): the file of canaries cannot be read") }
    guard data.count <= maximumFile, let text = String(validating: data, as: UTF8.self) else {
      throw GenomePackageError(.malformed, "\(path): canaries are UTF-8 text of at most \(maximumFile) bytes")
    }
    let lines = text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
    guard lines.count <= maximumCount else { throw GenomePackageError(.malformed, "\(path): \(lines.count) canaries; \(maximumCount) are the most") }
    var canaries: [Canary] = []
    for line in lines { canaries.append(try Canary(line, path, tokenizer, room, secret)) }
    guard Set(canaries.map(\.name)).count == canaries.count else { throw GenomePackageError(.malformed, "\(path): two canaries have one name") }
    return canaries
  }

  private init(_ line: Substring, _ path: String, _ tokenizer: Tokenizer, _ room: Int, _ secret: [UInt8]) throws(GenomePackageError) {
    let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let open = parts[1].firstIndex(of: "{"), let close = parts[1].firstIndex(of: "}"), open < close else {
      throw GenomePackageError(.malformed, "\(path): a canary is a name, a tab, and a text with the secret in braces")
    }
    let before = String(parts[1][..<open]), hidden = Array(parts[1][parts[1].index(after: open)..<close].utf8)
    let choices = hidden.reduce(1.0) { $0 * Double(Self.alphabet(of: $1).count) }
    guard choices >= 4 * Double(Self.texts) else {
      throw GenomePackageError(
        .malformed, "\(path): the secret of \(parts[0].prefix(40)) is one of \(Int(choices)) such texts; at least \(4 * Self.texts) are needed, so make it longer")
    }
    let start = tokenizer.prefix + tokenizer.encode(before)
    guard let last = start.last else { throw GenomePackageError(.malformed, "\(path): before the secret of \(parts[0].prefix(40)) there is no text") }
    let key = secret.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    var texts: [[Int32]] = []
    for number in 0..<Self.texts {
      var words = [UInt32](repeating: 0, count: hidden.count)
      words.withUnsafeMutableBufferPointer { ElementRandom(seed: key, name: "canary|\(parts[0])", stream: number).fill($0.baseAddress!, index: 0, count: hidden.count) }
      let other = zip(hidden, words).map { byte, word in
        let alphabet = Self.alphabet(of: byte)
        return alphabet[Int((UInt64(word) * UInt64(alphabet.count)) >> 32)]
      }
      let text = number == 0 ? hidden : other
      texts.append([last] + tokenizer.encode(String(decoding: text, as: UTF8.self)))
    }
    prompt = start.count > 1 ? Array(start.dropLast()) : start
    name = String(parts[0])
    self.texts = texts
    guard prompt.count + (texts.map(\.count).max() ?? 0) <= room else {
      throw GenomePackageError(.malformed, "\(path): the canary \(name.prefix(40)) is longer than the \(room) tokens of a sequence")
    }
  }

  private static func alphabet(of byte: UInt8) -> [UInt8] {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Array(UInt8(ascii: "0")...UInt8(ascii: "9"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Array(UInt8(ascii: "a")...UInt8(ascii: "z"))
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Array(UInt8(ascii: "A")...UInt8(ascii: "Z"))
    default: [byte]
    }
  }
}
