/// A value of a configuration file, with its position. What YAML text becomes before it is understood.
struct ConfigurationNode {
  indirect enum Content {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case list([ConfigurationNode])
    case map([Entry])
  }

  struct Entry {
    let key: String
    let keyLine: Int, keyColumn: Int
    let value: ConfigurationNode
  }

  let content: Content
  let line: Int, column: Int
  /// Nodes in it, itself among them; aliases count as what they stand for.
  let size: Int
  /// Levels in it, itself among them.
  let depth: Int

  init(_ content: Content, line: Int, column: Int) {
    (self.content, self.line, self.column) = (content, line, column)
    switch content {
    case .list(let nodes):
      size = nodes.reduce(1) { $0 + $1.size }
      depth = 1 + (nodes.map(\.depth).max() ?? 0)
    case .map(let entries):
      size = entries.reduce(1) { $0 + 1 + $1.value.size }
      depth = 1 + (entries.map(\.value.depth).max() ?? 0)
    default:
      (size, depth) = (1, 1)
    }
  }

  /// What it is, for messages.
  var kind: String {
    switch content {
    case .null: "nothing"
    case .boolean(let value): "\(value)"
    case .number(let value): "the number \(ParameterText.number(value))"
    case .text(let text): "the text \"\(text.prefix(60))\""
    case .list: "a list"
    case .map: "a mapping"
    }
  }
}

enum ParameterText {
  /// Without a decimal point where there is none to show.
  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}
