import Foundation

/// The checkout that holds this file.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func text(_ path: String) throws -> String { try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8) }
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path) }

  /// Paths below `folder` that end in one of `endings`; build folders left out.
  static func files(_ folder: String, _ endings: String...) -> [String] {
    let base = root.appendingPathComponent(folder).path
    let all = FileManager.default.enumerator(atPath: base)?.compactMap { $0 as? String } ?? []
    return all.filter { path in
      endings.contains { path.hasSuffix($0) } && !path.split(separator: "/").contains { $0.hasPrefix(".build") || $0 == "target" }
    }.map { folder + "/" + $0 }.sorted()
  }

  /// The modules that a source file imports.
  static func imports(_ path: String) throws -> [String] {
    try text(path).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), index <= 2,
        words[..<index].allSatisfy({ ["public", "internal", "private", "fileprivate", "package", "@testable", "@preconcurrency", "@_exported"].contains($0) })
      else { return nil }
      return words[index...].dropFirst().first.map(String.init)
    }
  }
}
