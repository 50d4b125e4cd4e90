import Foundation

/// Four domains of text that a Debian machine with Swift and Python has: a quarter for the base, half for adapters, a quarter held out.
struct HonestCorpus {
  static let limit = 1_600_000
  let folder: String
  let domains = ["c", "prose", "python", "swift"]
  private(set) var bytes: [String: Int] = [:], sources: [String: String] = [:]
  private var training: [String: [UInt8]] = [:]
  var seedPhase: String { folder + "/seed-phase" }
  func holdOut(_ domain: String) -> String { "\(folder)/\(domain)-held.txt" }

  init(folder: String, repository root: String) throws {
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder + "/seed-phase", withIntermediateDirectories: true)
    let places: [String: (folders: [String], accepts: @Sendable (String) -> Bool)] = [
      "c": (["/usr/include"], { $0.hasSuffix(".h") }),
      "prose": (
        ["/usr/share/common-licenses", "/usr/share/doc", root + "/docs"],
        { $0.hasSuffix("copyright") || $0.hasSuffix(".md") || $0.contains("common-licenses/") || $0.hasSuffix("README") }
      ),
      "python": (["/usr/lib/python3", "/usr/lib/python3.11", "/usr/lib/python3.12", "/usr/lib/python3.13"], { $0.hasSuffix(".py") }),
      "swift": ([root + "/Sources", root + "/Plugins", root + "/Tests"], { $0.hasSuffix(".swift") && !$0.contains("/Generated/") }),
    ]
    for domain in domains {
      let place = places[domain]!
      var text: [UInt8] = []
      var seen = Set<[UInt8]>()
      for folder in place.folders {
        for name in ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted() where place.accepts("\(folder)/\(name)") && text.count < Self.limit {
          guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)"), data.count > 200 else { continue }
          // One licence stands in a hundred copyright files; ASCII keeps the byte model's text in one alphabet.
          let file = [UInt8](data.prefix(60_000).filter { $0 < 128 })
          guard seen.insert(Array(file.prefix(120))).inserted else { continue }
          text += file
        }
      }
      guard text.count >= 200_000 else { throw HonestError("\(domain): only \(text.count) bytes of text in \(place.folders.joined(separator: ", "))") }
      text = Array(text.prefix(Self.limit))
      // Files of one package lie together, so each part takes turns through the whole.
      var parts: [[UInt8]] = [[], [], []]
      let block = 8192
      for (turn, start) in stride(from: 0, to: text.count, by: block).enumerated() { parts[[0, 1, 1, 2][turn % 4]] += text[start..<min(start + block, text.count)] }
      try Data(parts[0]).write(to: URL(fileURLWithPath: "\(folder)/seed-phase/\(domain).txt"))
      try Data(parts[2]).write(to: URL(fileURLWithPath: holdOut(domain)))
      (training[domain], bytes[domain]) = (parts[1], text.count)
      sources[domain] = place.folders.map { $0 == root + "/Sources" ? "Sources" : $0.replacingOccurrences(of: root + "/", with: "") }.joined(separator: ", ")
    }
  }

  /// Writes a part of a domain's training text.
  func slice(_ domain: String, from: Double, to: Double, name: String) throws -> String {
    let text = training[domain]!, path = "\(folder)/\(name).txt"
    try Data(text[Int(from * Double(text.count))..<Int(to * Double(text.count))]).write(to: URL(fileURLWithPath: path))
    return path
  }
}
