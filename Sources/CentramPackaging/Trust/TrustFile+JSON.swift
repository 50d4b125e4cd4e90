public import CentramHost
internal import CentramPluginAPI
internal import Foundation

extension TrustFile {
  /// Reads a file's bytes: bounded, complete, nothing unknown.
  /// - Parameter name: of the file, for errors.
  /// - Throws: `trust-file`, with the key and the value that are wrong.
  public static func decode(_ bytes: [UInt8], name: String = "trusted-publishers.json") throws(HostError) -> TrustFile {
    guard bytes.count <= sizeLimit else { throw HostError(.trustFile, "\(name): \(bytes.count) bytes, the limit is \(sizeLimit)") }
    return try StrictDecoding.decode(Wire.self, from: bytes, name: name, code: .trustFile).file
  }

  /// The bytes of a file, the same for the same value.
  public func encoded() throws(HostError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(Wire(self)) else { throw HostError(.trustFile, "the trust file cannot be written as JSON") }
    let bytes = Array(data) + [UInt8(ascii: "\n")]
    guard try TrustFile.decode(bytes) == self else { throw HostError(.trustFile, "the trust file would not be read as it was written") }
    return bytes
  }
}

extension HostError.Code {
  /// A trust file that is damaged, too large or says what cannot be.
  public static var trustFile: HostError.Code { .init(rawValue: "trust-file") }
}

private func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(HostError) {
  if !condition { throw HostError(.trustFile, sentence()) }
}

/// A text of 1 to `limit` bytes without control characters.
private func checked(_ text: String, _ key: String, limit: Int) throws(HostError) -> String {
  try require(!text.isEmpty && text.utf8.count <= limit, "\(key) has \(text.utf8.count) bytes; it must have 1 to \(limit)")
  try require(text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }, "\(key) holds a control character")
  return text
}

private struct Wire: Codable {
  var file: TrustFile

  init(_ file: TrustFile) { self.file = file }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.fields("schema", "publishers", "revokedKeys", "revokedHashes")
    let schema = try fields.decode(Int.self, forKey: "schema")
    try require(schema == 1, "schema is \(schema), this host reads schema 1; update the host")
    func list<Entry: Decodable>(_ type: Entry.Type, _ key: JSONKey) throws -> [Entry] {
      let entries = try fields.decodeIfPresent([Entry].self, forKey: key) ?? []
      try require(entries.count <= TrustFile.entryLimit, "\(key.stringValue) has \(entries.count) entries, the limit is \(TrustFile.entryLimit)")
      return entries
    }
    file = TrustFile()
    file.publishers = try list(WirePublisher.self, "publishers").map(\.publisher)
    try require(Set(file.publishers.map(\.key)).count == file.publishers.count, "publishers has a key twice")
    for entry in try list(WireRevocation.self, "revokedKeys") {
      guard let key = entry.key else { throw HostError(.trustFile, "revokedKeys needs key in each entry") }
      try require(file.revokedKeys.updateValue(entry.revocation, forKey: key) == nil, "revokedKeys has a key twice")
    }
    for entry in try list(WireRevocation.self, "revokedHashes") {
      guard let hash = entry.sha256 else { throw HostError(.trustFile, "revokedHashes needs sha256 in each entry") }
      try require(file.revokedHashes.updateValue(entry.revocation, forKey: hash) == nil, "revokedHashes has \(hash) twice")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: JSONKey.self)
    try fields.encode(1, forKey: "schema")
    try fields.encode(file.publishers.map(WirePublisher.init), forKey: "publishers")
    let keys = file.revokedKeys.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { WireRevocation(key: $0.key, revocation: $0.value) }
    try fields.encode(keys, forKey: "revokedKeys")
    try fields.encode(file.revokedHashes.sorted { $0.key < $1.key }.map { WireRevocation(sha256: $0.key, revocation: $0.value) }, forKey: "revokedHashes")
  }
}

private struct WirePublisher: Codable {
  let publisher: TrustPolicy.Publisher

  init(_ publisher: TrustPolicy.Publisher) { self.publisher = publisher }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.fields("name", "key", "ids", "kinds", "isolate")
    let ids = try fields.decode([String].self, forKey: "ids"), kinds = try fields.decodeIfPresent([String].self, forKey: "kinds") ?? []
    let key = try PublicKeyText.decode(try fields.decode(String.self, forKey: "key"))
    publisher = TrustPolicy.Publisher(
      name: try fields.decode(String.self, forKey: "name"), key: key, ids: ids, kinds: Set(kinds.map(PluginKind.init(rawValue:))),
      mustIsolate: try fields.decodeIfPresent(Bool.self, forKey: "isolate") ?? false)
    try require(publisher.kinds.count == kinds.count, "kinds names a kind twice")
    try publisher.validate()
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: JSONKey.self)
    try fields.encode(publisher.name, forKey: "name")
    try fields.encode(PublicKeyText.encode(publisher.key), forKey: "key")
    try fields.encode(publisher.ids, forKey: "ids")
    if !publisher.kinds.isEmpty { try fields.encode(publisher.kinds.map(\.rawValue).sorted(), forKey: "kinds") }
    if publisher.mustIsolate { try fields.encode(true, forKey: "isolate") }
  }
}

extension TrustPolicy.Publisher {
  /// Whether it can stand in a trust file.
  /// - Throws: `trust-file`, with what is wrong.
  func validate() throws(HostError) {
    _ = try checked(name, "name", limit: 128)
    let limit = TrustFile.rightsLimit
    try require((1...limit).contains(ids.count), "ids of \(name) has \(ids.count) entries; it must have 1 to \(limit)")
    for id in ids {
      let exact = id.hasSuffix(".*") ? String(id.dropLast(2)) : id
      let isRight = id == "*" || exact.utf8.count <= 126 && PluginManifest.isIdentifier(exact)
      try require(isRight, "ids of \(name): \"\(id.prefix(80))\" must be an id, or the beginning of one with .* behind it, or *")
    }
    try require(kinds.count <= limit, "kinds of \(name) has \(kinds.count) entries, the limit is \(limit)")
    for kind in kinds.map(\.rawValue).sorted() {
      try require(kind.utf8.count <= 64 && PluginManifest.isIdentifier(kind), "kinds of \(name): \"\(kind.prefix(80))\" is no kind's name")
    }
  }
}

private struct WireRevocation: Codable {
  var key: [UInt8]?, sha256: String?
  var revocation: TrustPolicy.Revocation

  init(key: [UInt8]? = nil, sha256: String? = nil, revocation: TrustPolicy.Revocation) { (self.key, self.sha256, self.revocation) = (key, sha256, revocation) }

  init(from decoder: any Decoder) throws {
    let isKey = decoder.codingPath.first?.stringValue == "revokedKeys"
    let fields = try isKey ? decoder.fields("key", "date", "reason") : decoder.fields("sha256", "date", "reason")
    if isKey { key = try PublicKeyText.decode(try fields.decode(String.self, forKey: "key")) }
    if !isKey {
      let hash = try fields.decode(String.self, forKey: "sha256")
      try require(TrustFile.isHash(hash), "sha256 \"\(hash.prefix(80))\" must be 64 lowercase hexadecimal digits")
      sha256 = hash
    }
    let date = try fields.decode(String.self, forKey: "date")
    let isDate = date.utf8.count == 10 && date.utf8.enumerated().allSatisfy { [4, 7].contains($0.offset) ? $0.element == 45 : (48...57).contains($0.element) }
    try require(isDate, "date \"\(date.prefix(32))\" must be like 2026-11-30")
    revocation = TrustPolicy.Revocation(date: date, reason: try checked(fields.decode(String.self, forKey: "reason"), "reason", limit: 512))
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: JSONKey.self)
    try fields.encodeIfPresent(key.map(PublicKeyText.encode), forKey: "key")
    try fields.encodeIfPresent(sha256, forKey: "sha256")
    try fields.encode(revocation.date, forKey: "date")
    try fields.encode(revocation.reason, forKey: "reason")
  }
}
