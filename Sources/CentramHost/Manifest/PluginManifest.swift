internal import CentramLanes
public import CentramPluginAPI

/// `plugin.json`: what a plugin says of itself before anything of it runs.
public struct PluginManifest: Sendable, Decodable {
  /// The largest `plugin.json` that is read.
  public static let sizeLimit = 256 << 10
  /// The largest library that is read.
  public static let librarySizeLimit = 512 << 20

  /// A way to call the plugin.
  public enum Lane: String, Sendable, CaseIterable, Comparable {
    case c, swift, ffi
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  public var id: String
  public var version: SemanticVersion
  public var kind: PluginKind
  /// One sentence.
  public var summary: String
  public var lanes: Set<Lane>
  /// Which versions of the host's C ABI and Swift API will do.
  public var cRange: VersionRange, swiftRange: VersionRange?
  /// Of a plugin in the Swift lane.
  public var toolchain: String?, fingerprint: String?
  /// A file's name in the plugin's own folder.
  public var library: String
  /// Of the library, 64 lowercase hexadecimal digits.
  public var sha256: String
  public var publisher: String?
  /// Whether the plugin wants a process of its own.
  public var isIsolated: Bool
  /// In the function-table lane only.
  var functionTable: FunctionTable?

  /// Reads the bytes of a `plugin.json`.
  /// - Throws: `manifest`, with the key and the value that are wrong.
  public static func decode(_ bytes: [UInt8]) throws(HostError) -> PluginManifest {
    guard bytes.count <= sizeLimit else {
      throw HostError(.manifest, "plugin.json: \(bytes.count) bytes, the limit is \(sizeLimit)")
    }
    return try StrictDecoding.decode(Self.self, from: bytes, name: "plugin.json")
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.fields(
      "schema", "id", "version", "kind", "summary", "lanes", "api", "toolchain", "fingerprint", "library", "sha256", "publisher",
      "isolation", "functions", "parameters", "needs")
    func text(_ key: JSONKey, limit: Int = 256) throws -> String {
      let text = try fields.decode(String.self, forKey: key)
      try Self.require(!text.isEmpty && text.utf8.count <= limit, "\(key.stringValue) has \(text.utf8.count) bytes; it must have 1 to \(limit)")
      try Self.require(text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 }, "\(key.stringValue) holds a control character")
      return text
    }
    func optionalText(_ key: JSONKey) throws -> String? { fields.contains(key) ? try text(key) : nil }

    let schema = try fields.decode(Int.self, forKey: "schema")
    try Self.require(schema == 1, "schema is \(schema), this host reads schema 1; update the host or pack the plugin again")
    id = try text("id", limit: 128)
    try Self.require(Self.isIdentifier(id), "id \"\(id)\" must hold only letters, digits, '.', '-' and '_', and start and end with a letter or digit")
    version = try SemanticVersion(text("version"))
    kind = PluginKind(rawValue: try text("kind", limit: 64))
    summary = try text("summary", limit: 512)
    lanes = try Self.lanes(fields.decode([String].self, forKey: "lanes"))
    let api = try fields.decode(Ranges.self, forKey: "api")
    (cRange, swiftRange) = (api.c, api.swift)
    (toolchain, fingerprint) = (try optionalText("toolchain"), try optionalText("fingerprint"))
    library = try text("library", limit: 255)
    try Self.require(!library.contains("/") && !library.hasPrefix("."), "library \"\(library)\" must be a file's name in the plugin's folder")
    sha256 = try text("sha256")
    try Self.require(
      sha256.utf8.count == 64 && sha256.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) },
      "sha256 \"\(sha256.prefix(80))\" must be 64 lowercase hexadecimal digits")
    publisher = try optionalText("publisher")
    let isolation = try optionalText("isolation") ?? "none"
    try Self.require(["none", "process"].contains(isolation), "isolation is \"\(isolation)\"; it must be \"none\" or \"process\"")
    isIsolated = isolation == "process"
    if lanes.contains(.swift) {
      try Self.require(swiftRange != nil && toolchain != nil && fingerprint != nil, "the swift lane needs api.swift, toolchain and fingerprint")
    }
    let describesFunctions: [JSONKey] = ["functions", "parameters", "needs"].filter { fields.contains($0) }
    if lanes.contains(.ffi) {
      try Self.require(lanes == [.ffi], "the ffi lane stands alone; lanes has \(lanes.map(\.rawValue).sorted().joined(separator: ", "))")
      functionTable = try FunctionTable(from: fields, kind: kind)
    } else if let key = describesFunctions.first {
      throw HostError(.manifest, "\(key.stringValue) belongs to the ffi lane; this plugin describes it in its own descriptor")
    }
  }

  static func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws(HostError) {
    if !condition { throw HostError(.manifest, sentence()) }
  }

  /// Whether a text can be an id: letters, digits, `.`, `-` and `_`, with a letter or digit first and last.
  public static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last, first.isLetterOrDigit, last.isLetterOrDigit else { return false }
    return text.utf8.allSatisfy { $0.isLetterOrDigit || ".-_".utf8.contains($0) }
  }

  private static func lanes(_ names: [String]) throws(HostError) -> Set<Lane> {
    var lanes: Set<Lane> = []
    for name in names {
      guard let lane = Lane(rawValue: name) else {
        throw HostError(.manifest, "lane \"\(name.prefix(32))\" is unknown; there are c, swift and ffi")
      }
      lanes.insert(lane)
    }
    try require(!lanes.isEmpty && lanes.count == names.count, "lanes must name one lane or more, each once")
    return lanes
  }

  private struct Ranges: Decodable {
    var c: VersionRange, swift: VersionRange?
    init(from decoder: any Decoder) throws {
      let fields = try decoder.fields("c", "swift")
      c = try VersionRange(fields.decode(String.self, forKey: "c"))
      swift = try fields.decodeIfPresent(String.self, forKey: "swift").map { try VersionRange($0) }
    }
  }
}
