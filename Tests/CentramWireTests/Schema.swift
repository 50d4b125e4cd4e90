import Foundation

/// The .proto files as these tests read them, without protoc and without the script that makes the code.
enum Schema {
  static let families = ["session", "discovery", "genome", "lineage", "training", "hyperlink", "economy", "content"]
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  static func text(_ path: String) throws -> String { try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8) }

  struct Field: Sendable {
    let number: Int, name: String, type: String, repeated: Bool, text: String, rule: String
  }
  struct Message: Sendable {
    let name: String, family: String, text: String, fields: [Field]
    /// Of those that a frame carries.
    let number: UInt16?, limit: Int?, limitText: String
  }
  struct Enumeration: Sendable {
    let name: String, family: String, text: String
    var values: [(number: Int, name: String, text: String)]
  }

  static let (messages, enumerations): ([Message], [Enumeration]) = families.map(parse).reduce(([], [])) { ($0.0 + $1.0, $0.1 + $1.1) }
  static let byName = Dictionary(uniqueKeysWithValues: messages.map { ($0.name, $0) })
  static let framed = messages.filter { $0.number != nil }

  private static func parse(_ family: String) -> ([Message], [Enumeration]) {
    var messages: [Message] = [], enumerations: [Enumeration] = []
    var comment: [Substring] = []
    for line in try! text("Sources/CentramWire/Proto/\(family).proto").split(separator: "\n", omittingEmptySubsequences: false) {
      let line = line.drop { $0 == " " }
      if line.hasPrefix("//") {
        comment.append(line.dropFirst(2).drop { $0 == " " })
        continue
      }
      let text = comment.joined(separator: " ")
      comment = []
      if let match = line.wholeMatch(of: /message (\w+) \{/) {
        messages.append(message(String(match.1), family, text))
      } else if let match = line.wholeMatch(of: /enum (\w+) \{/) {
        enumerations.append(.init(name: String(match.1), family: family, text: text, values: []))
      } else if let match = line.wholeMatch(of: /(repeated )?([\w.]+) (\w+) = (\d+);/) {
        let last = messages.removeLast()
        let parts = text.wholeMatch(of: /(.*) \[([^\]]+)\]/)
        let field = Field(
          number: Int(match.4)!, name: String(match.3), type: String(match.2), repeated: match.1 != nil, text: parts.map { String($0.1) } ?? text,
          rule: parts.map { String($0.2) } ?? "")
        messages.append(
          .init(name: last.name, family: family, text: last.text, fields: last.fields + [field], number: last.number, limit: last.limit, limitText: last.limitText))
      } else if let match = line.wholeMatch(of: /(\w+) = (\d+);/) {
        enumerations[enumerations.count - 1].values.append((Int(match.2)!, String(match.1), text))
      }
    }
    return (messages, enumerations)
  }

  private static func message(_ name: String, _ family: String, _ text: String) -> Message {
    guard let head = text.prefixMatch(of: #/Type 0x([0-9a-f]{4}), at most (\d+) (KiB|MiB)\. /#) else {
      return .init(name: name, family: family, text: text, fields: [], number: nil, limit: nil, limitText: "")
    }
    return .init(
      name: name, family: family, text: String(text[head.range.upperBound...]), fields: [], number: UInt16(head.1, radix: 16)!,
      limit: Int(head.2)! * (head.3 == "KiB" ? 1024 : 1_048_576), limitText: "\(head.2) \(head.3)")
  }
}
