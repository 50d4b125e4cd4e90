internal import CentramModel
internal import CentramNumerics
internal import Foundation

/// One domain's text, cut into sequences, and the secret order in which they serve as the hold-out.
struct DomainText: Sendable {
  let name: String
  /// With what the model's rule puts before a text; the same number of tokens each.
  let sequences: [[Int32]]
  /// Bytes that the scored tokens of each stand for.
  let bytes: [Int]
  /// All places of `sequences`, in the order of their use.
  private let order: [Int]

  /// - Parameters:
  ///   - path: a file, or a folder whose files are read in the order of their names. Those that are not UTF-8 are left out.
  ///   - secret: decides the order; who does not know it cannot tell which sequences measure.
  /// - Throws: `.notFound`, `.malformed` for too little text.
  init(_ name: String, path: String, tokenizer: Tokenizer, length: Int, holdOut: Int, secret: [UInt8]) throws(GenomePackageError) {
    let prefix = tokenizer.prefix, step = length - prefix.count
    guard step > 1 else {
      throw GenomePackageError(.usage, "sequences of \(length) tokens have no room beside the \(prefix.count) that begin every text; set evaluation.length higher")
    }
    var sequences: [[Int32]] = [], bytes: [Int] = []
    for text in try Self.texts(path) {
      let tokens = tokenizer.encode(text)
      for start in stride(from: 0, through: tokens.count - step, by: step) {
        let sequence = prefix + tokens[start..<start + step]
        sequences.append(sequence)
        bytes.append(sequence.dropFirst().reduce(0) { $0 + tokenizer.bytes(of: $1).count })
      }
    }
    guard sequences.count >= holdOut else {
      throw GenomePackageError(
        .malformed, "\(path): \(sequences.count) sequences of \(length) tokens; the hold-out of \(name) needs \(holdOut). Give it more text, or set evaluation.length lower")
    }
    (self.name, self.sequences, self.bytes) = (name, sequences, bytes)
    order = Self.shuffled(sequences.count, secret: secret, name: name)
  }

  /// The places of the hold-out after `refreshes` quarters were replaced, oldest first. Begins anew where the text is used up.
  func holdOut(_ count: Int, refreshes: Int) -> [Int] {
    let first = refreshes * max(1, count / 4)
    return (0..<count).map { order[(first + $0) % order.count] }
  }

  /// Fisher and Yates's shuffle.
  private static func shuffled(_ count: Int, secret: [UInt8], name: String) -> [Int] {
    let key = secret.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    var words = [UInt32](repeating: 0, count: count), order = Array(0..<count)
    words.withUnsafeMutableBufferPointer { ElementRandom(seed: key, name: "hold-out|\(name)", stream: 0).fill($0.baseAddress!, index: 0, count: count) }
    for place in stride(from: count - 1, to: 0, by: -1) { order.swapAt(place, Int((UInt64(words[place]) * UInt64(place + 1)) >> 32)) }
    return order
  }

  private static func texts(_ path: String) throws(GenomePackageError) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw GenomePackageError(.notFound, "\(path): there is no such file or folder of text") }
    var files = [path]
    if isFolder.boolValue {
      files = ((try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(path)/\($0)" }
    }
    var texts: [String] = [], left = EvaluationSettings.maximumText
    for file in files where left > 0 {
      guard let handle = FileHandle(forReadingAtPath: file), let data = try? handle.read(upToCount: left), !data.isEmpty else { continue }
      // The end may be cut within a character.
      guard let text = (0..<4).lazy.compactMap({ String(validating: data.dropLast($0), as: UTF8.self) }).first else { continue }
      texts.append(text)
      left -= data.count
    }
    return texts
  }
}
