/// A version as semver.org 2.0.0 has it; build metadata (`+…`) is read and dropped.
public struct SemanticVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let major: Int, minor: Int, patch: Int
  /// `["beta", "2"]` of `1.0.0-beta.2`; empty for a release.
  public let prerelease: [String]

  public init(_ major: Int, _ minor: Int, _ patch: Int, prerelease: [String] = []) {
    (self.major, self.minor, self.patch, self.prerelease) = (major, minor, patch, prerelease)
  }

  /// Reads exactly three numbers, with what may follow them.
  public init(_ text: String) throws(HostError) {
    let error = HostError(.invalid, "\"\(text.prefix(64))\" is not a semantic version such as 1.4.2 or 2.0.0-beta.1")
    guard text.utf8.count <= 64 else { throw error }
    let withoutBuild = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)[0]
    let halves = withoutBuild.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = halves[0].split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
    guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2] else { throw error }
    let tags = halves.count == 2 ? halves[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init) : []
    let isTag = { (tag: String) in !tag.isEmpty && tag.utf8.allSatisfy { $0 == UInt8(ascii: "-") || $0.isLetterOrDigit } }
    guard tags.allSatisfy(isTag) else { throw error }
    self.init(major, minor, patch, prerelease: tags)
  }

  public var description: String {
    "\(major).\(minor).\(patch)" + (prerelease.isEmpty ? "" : "-" + prerelease.joined(separator: "."))
  }

  public static func < (a: Self, b: Self) -> Bool {
    if a.numbers != b.numbers { return a.numbers.lexicographicallyPrecedes(b.numbers) }
    if a.prerelease.isEmpty || b.prerelease.isEmpty { return !a.prerelease.isEmpty && b.prerelease.isEmpty }
    for (x, y) in zip(a.prerelease, b.prerelease) where x != y {
      switch (number(x[...]), number(y[...])) {
      case (let m?, let n?): return m < n
      case (nil, nil): return x < y
      case (let m, _): return m != nil  // numbers come before words
      }
    }
    return a.prerelease.count < b.prerelease.count
  }

  var numbers: [Int] { [major, minor, patch] }

  /// A number without sign, spaces or leading zeros, below a thousand million.
  static func number(_ text: Substring) -> Int? {
    let digits = text.utf8
    guard (1...9).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }), text == "0" || !text.hasPrefix("0") else { return nil }
    return Int(text)
  }
}

extension UInt8 {
  var isLetterOrDigit: Bool { (48...57).contains(self) || (65...90).contains(self) || (97...122).contains(self) }
}
