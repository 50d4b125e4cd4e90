/// Which versions will do: `1.2.3` exactly, `^1.2` what is compatible with it, `>=1.0.0 <2.0.0` all of several bounds,
/// `1.x` or `1.2.x` a family, `*` any.
public struct VersionRange: Hashable, Sendable, CustomStringConvertible {
  /// As it was written.
  public let description: String
  private let lower: SemanticVersion?, lowerIsIn: Bool
  private let upper: SemanticVersion?, upperIsIn: Bool

  public static var any: VersionRange { .init(text: "*", from: nil, below: nil) }

  /// - Throws: `.invalid` with the forms that there are.
  public init(_ text: String) throws(HostError) {
    let error = HostError(
      .invalid, "\"\(text.prefix(64))\" is not a version range; write 1.2.3, ^1.2, 1.x, \">=1.0.0 <2.0.0\" or *")
    let terms = text.split(separator: " ")
    guard text.utf8.count <= 128, let first = terms.first else { throw error }
    if terms.count > 1 || first.hasPrefix(">") || first.hasPrefix("<") {
      var range = Self.any
      for term in terms { range = try range.narrowed(by: term, error: error) }
      self.init(text: text, from: range.lower, including: range.lowerIsIn, below: range.upper, including: range.upperIsIn)
    } else if first.hasPrefix("^") {
      let from = try Self.bound(first.dropFirst(), error: error)
      // Before 1.0 every minor version may break, before 0.1 every patch.
      let (major, minor, patch) = (from.major, from.minor, from.patch)
      let next = major > 0 ? SemanticVersion(major + 1, 0, 0) : minor > 0 ? SemanticVersion(0, minor + 1, 0) : SemanticVersion(0, 0, patch + 1)
      self.init(text: text, from: from, below: next)
    } else if first == "*" || first == "x" {
      self.init(text: text, from: nil, below: nil)
    } else if let exact = try? SemanticVersion(String(first)) {
      self.init(text: text, from: exact, including: true, below: exact, including: true)
    } else {
      let parts = first.split(separator: ".", omittingEmptySubsequences: false)
      let numbers = parts.prefix { $0 != "x" && $0 != "*" }.map(SemanticVersion.number)
      guard (1...3).contains(parts.count), let major = numbers.first ?? nil, !numbers.contains(nil), numbers.count <= 2,
        parts.dropFirst(numbers.count).allSatisfy({ $0 == "x" || $0 == "*" })
      else { throw error }
      let minor = numbers.count == 2 ? numbers[1] : nil
      let next = minor.map { SemanticVersion(major, $0 + 1, 0) } ?? SemanticVersion(major + 1, 0, 0)
      self.init(text: text, from: SemanticVersion(major, minor ?? 0, 0), below: next)
    }
  }

  /// A prerelease is in a range only where one of the range's bounds is a prerelease of the same three numbers, or the range is `*`.
  public func contains(_ version: SemanticVersion) -> Bool {
    if let lower, version < lower || (version == lower && !lowerIsIn) { return false }
    if let upper, version > upper || (version == upper && !upperIsIn) { return false }
    if version.prerelease.isEmpty || (lower == nil && upper == nil) { return true }
    return [lower, upper].contains { $0.map { !$0.prerelease.isEmpty && $0.numbers == version.numbers } ?? false }
  }

  private init(
    text: String, from lower: SemanticVersion?, including lowerIsIn: Bool = true, below upper: SemanticVersion?, including upperIsIn: Bool = false
  ) {
    (self.description, self.lower, self.lowerIsIn, self.upper, self.upperIsIn) = (text, lower, lowerIsIn, upper, upperIsIn)
  }

  /// This range with one more bound such as `>=1.0.0`; each side may be given once.
  private func narrowed(by term: Substring, error: HostError) throws(HostError) -> VersionRange {
    let isIncluded = term.dropFirst().hasPrefix("=")
    let version = try Self.bound(term.dropFirst(isIncluded ? 2 : 1), error: error)
    switch term.first {
    case ">" where lower == nil:
      return .init(text: description, from: version, including: isIncluded, below: upper, including: upperIsIn)
    case "<" where upper == nil:
      return .init(text: description, from: lower, including: lowerIsIn, below: version, including: isIncluded)
    default: throw error
    }
  }

  /// One to three numbers; those left out are 0.
  private static func bound(_ text: Substring, error: HostError) throws(HostError) -> SemanticVersion {
    let dots = text.prefix { $0 != "-" }.count { $0 == "." }
    guard let version = try? SemanticVersion(String(text) + (dots == 0 ? ".0.0" : dots == 1 ? ".0" : "")) else { throw error }
    return version
  }
}
