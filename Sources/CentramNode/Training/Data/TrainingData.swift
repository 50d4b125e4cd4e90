internal import CentramModel
internal import CentramNumerics
internal import Foundation

/// What is trained on, and what is held out.
public struct TrainingData: Sendable {
  public struct Options: Sendable {
    /// Tokens a row.
    public var length: Int
    public var masksPrompts = false
    public var packs = false
    /// Share of the rows that is held out where the data has no validation file of its own.
    public var validationShare = 0.05
    public var seed: UInt64 = 0
    public init(length: Int) { self.length = length }
  }

  let training: TokenRows, validation: TokenRows
  public let length: Int
  public let seed: UInt64
  /// SHA-256 of all rows that are trained on, in hexadecimal.
  public let hash: String
  /// What a user should know.
  public let warnings: [String]

  public var sequences: Int { training.count }
  public var validationSequences: Int { validation.count }
  public var tokens: Int { training.tokens.count }

  /// - Parameter path: a folder with train.jsonl, and valid.jsonl where there is one (test.jsonl is left alone); a folder of texts; a
  ///   .jsonl file; or a text.
  public init(
    path: String, encoding: any TrainingEncoding, options: Options, isCancelled: @escaping () -> Bool = { false }
  ) throws(TrainingJobError) {
    let files = try Self.files(path)
    let reader = DataReader(
      encoding: encoding, length: options.length, masksPrompts: options.masksPrompts, packs: options.packs, isCancelled: isCancelled)
    var all = TokenRows(), held = TokenRows()
    for file in files.training { try reader.read(file: file, into: &all) }
    for file in files.validation { try reader.read(file: file, into: &held) }
    var warnings: [String] = []
    if all.cutRecords > 0 {
      warnings.append("\(all.cutRecords) record\(all.cutRecords == 1 ? "" : "s") longer than \(options.length) tokens; \(all.cutTokens) tokens were cut off their ends")
    }
    if files.validation.isEmpty, options.validationShare > 0 {
      var kept = TokenRows()
      for row in 0..<all.count {
        if Self.isHeldOut(all[row], share: options.validationShare, seed: options.seed) { try held.append(row, of: all) } else { try kept.append(row, of: all) }
      }
      all = kept
    }
    guard all.count > 0 else { throw TrainingJobError(.data, "\(path): no sequence to train on\(held.count > 0 ? "; all are held out: lower --validation-share" : "")") }
    (training, validation, length, seed, self.warnings) = (all, held, options.length, options.seed, warnings)
    hash = Self.hash(all)
  }

  /// A row goes by its own tokens, so that the same text never stands on both sides.
  private static func isHeldOut(_ row: ArraySlice<Int32>, share: Double, seed: UInt64) -> Bool {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for token in row { hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x0000_0100_0000_01b3 }
    var word: UInt32 = 0
    ElementRandom(key: hash ^ seed, stream: 0x7661_6c69).fill(&word, index: 0, count: 1)
    return Double(word) < share * 4_294_967_296
  }

  private static func hash(_ rows: TokenRows) -> String {
    let digests = Digests(gitSize: nil)
    for row in 0..<rows.count {
      let tokens = rows[row]
      withUnsafeBytes(of: UInt32(tokens.count).littleEndian) { digests.add($0) }
      tokens.withUnsafeBytes { digests.add($0) }
    }
    return digests.finish().sha256
  }

  /// Bytes of text that a counted token of the held-out rows stands for, in the mean; nil where none is held out.
  func validationBytesPerToken(_ tokenizer: Tokenizer) -> Double? {
    var bytes = 0, count = 0
    for row in 0..<validation.count {
      for token in validation[row].dropFirst() where token >= 0 {
        bytes += tokenizer.bytes(of: token).count
        count += 1
      }
    }
    return bytes > 0 ? Double(bytes) / Double(count) : nil
  }

  /// The files of a folder or the file itself.
  static func files(_ path: String) throws(TrainingJobError) -> (training: [String], validation: [String]) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw TrainingJobError(.data, "\(path): there is no such folder or file") }
    guard isFolder.boolValue else { return ([path], []) }
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    if names.contains("train.jsonl") { return (["\(path)/train.jsonl"], names.contains("valid.jsonl") ? ["\(path)/valid.jsonl"] : []) }
    if let other = names.filter({ $0.hasSuffix(".jsonl") }).min() {
      throw TrainingJobError(.data, "\(path): \(other) is there, train.jsonl is not; name it train.jsonl, or give the file itself")
    }
    let texts = names.filter { name in
      var isFolder: ObjCBool = false
      return !name.split(separator: "/").contains { $0.hasPrefix(".") }
        && FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder) && !isFolder.boolValue
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    guard !texts.isEmpty else { throw TrainingJobError(.data, "\(path): the folder holds no file; it needs train.jsonl or texts") }
    let held = texts.filter { ["valid.txt"].contains($0) }
    return (texts.filter { $0 != "valid.txt" && $0 != "test.txt" }.map { "\(path)/\($0)" }, held.map { "\(path)/\($0)" })
  }
}
