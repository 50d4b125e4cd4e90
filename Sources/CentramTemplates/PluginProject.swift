public import CentramHost

/// A new plugin's project: what it is to be, and the names that follow from it.
public struct PluginProject: Sendable, Equatable {
  public enum Language: String, CaseIterable, Sendable { case swift, c, rust }

  /// The kinds that have templates, with the last part of an id where the user names none.
  public static let kinds: [(name: String, example: String)] = [
    ("merge-operator", "average"), ("gate-layer", "size-limit"), ("trainer", "descent"), ("economy-rule", "flat-fee"), ("transport", "loop"),
  ]
  /// The longest id; folders, libraries and modules are named after it.
  public static let idLimit = 100

  public let kind: String
  public let language: Language
  /// `com.acme.average`.
  public let id: String

  /// - Parameter id: nil: `com.example.` and the name of the kind's example.
  /// - Throws: `.invalid` for an unknown kind or language, which names the nearest, and for an id that no plugin may have.
  public init(kind: String, language: String, id: String? = nil) throws(HostError) {
    guard let known = Self.kinds.first(where: { $0.name == kind }) else {
      let names = Self.kinds.map(\.name)
      throw HostError(.invalid, "there is no kind \(kind)\(NearestName.hint(for: kind, among: names)); the kinds are \(names.joined(separator: ", "))")
    }
    guard let language = Language(rawValue: language) else {
      let names = Language.allCases.map(\.rawValue)
      throw HostError(.invalid, "there are no templates in \(language)\(NearestName.hint(for: language, among: names)); the languages are \(names.joined(separator: ", "))")
    }
    let id = id ?? "com.example.\(known.example)"
    (self.kind, self.language, self.id) = (kind, language, id)
    guard id.utf8.count <= Self.idLimit else { throw HostError(.invalid, "the id has \(id.utf8.count) characters; the limit is \(Self.idLimit)") }
    let parts = id.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.allSatisfy(Self.isPart) else {
      throw HostError(
        .invalid, "\"\(id)\" is no id for a plugin: it has two parts or more with dots between them, each of letters, digits, - and _, a letter first: com.acme.average")
    }
  }

  private static func isPart(_ part: Substring) -> Bool {
    guard let first = part.utf8.first, let last = part.utf8.last, isLetter(first), isLetter(last) || isDigit(last) else { return false }
    return part.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// The id's last part: `average`.
  public var name: String { id.split(separator: ".").last.map(String.init) ?? id }
  /// `average` in `libaverage.so`; also a name that C and Rust take.
  var library: String { name.lowercased().replacing("-", with: "_") }
  /// The whole id as an identifier, so that the Swift modules of two plugins have two names.
  var module: String { id.replacing(".", with: "_").replacing("-", with: "_") }

  /// What templates say in the place of their placeholders.
  func values(sdk: String) -> [String: String] {
    ["ID": id, "KIND": kind, "LIBRARY": library, "MODULE": module, "NAME": name, "SDK": sdk]
  }
}
