public import CentramStore

/// A lineage for people: a text, Graphviz's DOT, or an SVG picture. Parents stand above their children.
public struct LineagePicture: Sendable {
  private let graph: LineageGraph
  /// From the oldest generation; unknown ancestors first.
  private let rows: [[Box]]

  private struct Box {
    let id: String, title: String, subtitle: String, state: GenomeState?
  }

  public init(_ graph: LineageGraph) {
    self.graph = graph
    let generations = Dictionary(grouping: graph.genomes, by: \.generation)
    let unknown = graph.unknown.map { Box(id: $0, title: String($0.prefix(12)), subtitle: "not here", state: nil) }
    rows =
      (unknown.isEmpty ? [] : [unknown])
      + generations.keys.sorted().map { generation in
        generations[generation]!.map { record in
          Box(
            id: record.id, title: String(record.id.prefix(12)), subtitle: "\(record.domain), \(record.state.rawValue), by \(record.author.prefix(8))", state: record.state)
        }
      }
  }

  /// A line a genome, its parents and their shares behind it.
  public var text: String {
    var lines: [String] = []
    for row in rows {
      for box in row {
        let parents = graph.edges.filter { $0.child == box.id }.map { "\($0.parent.prefix(12)) \(Self.percent($0.basisPoints))" }
        lines.append("\(box.id == graph.root ? "*" : " ") \(box.title)  \(box.subtitle)" + (parents.isEmpty ? "" : "  from " + parents.joined(separator: ", ")))
      }
    }
    return lines.joined(separator: "\n")
  }

  /// For Graphviz's `dot`.
  public var dot: String {
    var text = "digraph lineage {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n"
    for box in rows.joined() {
      let style = box.id == graph.root ? ", penwidth=2" : box.state == nil ? ", style=dashed" : ""
      text += "  \"\(box.id)\" [label=\"\(Self.escaped(box.title, "\"\\"))\\n\(Self.escaped(box.subtitle, "\"\\"))\"\(style)];\n"
    }
    for edge in graph.edges { text += "  \"\(edge.parent)\" -> \"\(edge.child)\" [label=\"\(Self.percent(edge.basisPoints))\"];\n" }
    return text + "}\n"
  }

  private static let (width, height, across, down, margin) = (230, 46, 30, 64, 20)

  /// One picture, without scripts and without anything to fetch.
  public var svg: String {
    let columns = max(1, rows.map(\.count).max() ?? 1)
    let whole = (
      width: 2 * Self.margin + columns * Self.width + (columns - 1) * Self.across, height: 2 * Self.margin + rows.count * Self.height + max(0, rows.count - 1) * Self.down
    )
    var places: [String: (x: Int, y: Int)] = [:]
    for (line, row) in rows.enumerated() {
      let used = row.count * Self.width + (row.count - 1) * Self.across
      for (column, box) in row.enumerated() {
        places[box.id] = ((whole.width - used) / 2 + column * (Self.width + Self.across), Self.margin + line * (Self.height + Self.down))
      }
    }
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(whole.width)" height="\(whole.height)" viewBox="0 0 \(whole.width) \(whole.height)" font-family="sans-serif" font-size="11">
      <rect width="100%" height="100%" fill="#ffffff"/>

      """
    for edge in graph.edges {
      guard let from = places[edge.parent], let to = places[edge.child] else { continue }
      let (x1, y1, x2, y2) = (from.x + Self.width / 2, from.y + Self.height, to.x + Self.width / 2, to.y)
      text += "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" stroke=\"#666666\"/>\n"
      text += "<text x=\"\((x1 + x2) / 2 + 4)\" y=\"\((y1 + y2) / 2)\" fill=\"#444444\">\(Self.percent(edge.basisPoints))</text>\n"
    }
    for box in rows.joined() {
      guard let place = places[box.id] else { continue }
      let stroke = box.id == graph.root ? "stroke-width=\"2.5\"" : box.state == nil ? "stroke-dasharray=\"4 3\"" : "stroke-width=\"1\""
      text +=
        "<g><title>\(box.id)</title><rect x=\"\(place.x)\" y=\"\(place.y)\" width=\"\(Self.width)\" height=\"\(Self.height)\" rx=\"4\" fill=\"\(Self.fill(box.state))\" stroke=\"#333333\" \(stroke)/>\n"
      text += "<text x=\"\(place.x + 8)\" y=\"\(place.y + 19)\" font-family=\"monospace\" font-size=\"13\">\(Self.xml(box.title))</text>\n"
      text += "<text x=\"\(place.x + 8)\" y=\"\(place.y + 36)\" fill=\"#444444\">\(Self.xml(Self.short(box.subtitle)))</text></g>\n"
    }
    return text + "</svg>\n"
  }

  private static func fill(_ state: GenomeState?) -> String {
    switch state {
    case .own: "#dcebfa"
    case .accepted: "#dff2df"
    case .rejected, .revoked: "#f8dcdc"
    case .quarantined: "#fbeecb"
    case .received, nil: "#f2f2f2"
    }
  }

  private static func short(_ text: String) -> String { text.count > 38 ? text.prefix(37) + "…" : text }
  /// 12.5 %.
  private static func percent(_ basisPoints: Int) -> String {
    let rest = basisPoints % 100
    return "\(basisPoints / 100)\(rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)") %"
  }
  private static func escaped(_ text: String, _ characters: String) -> String { text.map { characters.contains($0) ? "\\\($0)" : "\($0)" }.joined() }
  private static func xml(_ text: String) -> String { text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;") }
}
