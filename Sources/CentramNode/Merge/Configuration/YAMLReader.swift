internal import Foundation
internal import Yams

/// Turns YAML text into nodes, within limits that hold for hostile text too.
///
/// Aliases are resolved here and not by Yams, because it compares and hashes the keys of mappings with everything that
/// their aliases stand for, which takes exponential time in a dozen lines. So `*` is hidden from it behind a character
/// of the private-use area, one for one, which keeps every line and column.
struct YAMLReader {
  static let maximumBytes = 1 << 20
  static let maximumNodes = 100_000
  static let maximumDepth = 64
  /// libyaml stops at 1,000 levels, and Yams recurses twice a level: far less than this, whoever calls.
  private static let stackSize = 64 << 20
  private static let star: Character = "\u{E000}"

  private let file: String

  /// The documents of a text. One that holds nothing is `.null`.
  static func read(_ text: String, file: String) throws(MergeError) -> [ConfigurationNode] {
    let start = ConfigurationPlace(file: file, line: 1, column: 1, path: "")
    guard text.utf8.count <= maximumBytes else {
      throw start.error("\(text.utf8.count) bytes; \(maximumBytes) is the limit of a configuration")
    }
    guard !text.unicodeScalars.contains("\u{E000}") else { throw start.error("the private-use character U+E000 is not taken here") }
    let reader = YAMLReader(file: file)
    let hidden = text.replacing("*", with: String(star))
    return try onLargeStack { () throws(MergeError) in try reader.documents(hidden) }
  }

  private func documents(_ text: String) throws(MergeError) -> [ConfigurationNode] {
    do {
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      var documents: [ConfigurationNode] = []
      var total = 0
      while let root = try parser.nextRoot() {
        var anchors: [String: ConfigurationNode] = [:]
        let node = try convert(root, depth: 1, anchors: &anchors)
        total += node.size
        guard total <= Self.maximumNodes else { throw tooManyNodes(root.mark) }
        documents.append(node)
      }
      // Nodes know their anchors only as long as the parser lives.
      withExtendedLifetime(parser) {}
      return documents
    } catch let error as MergeError {
      throw error
    } catch let error as YamlError {
      throw failure(error, text)
    } catch {
      throw place(nil).error("\(error)")
    }
  }

  private func convert(_ node: Node, depth: Int, anchors: inout [String: ConfigurationNode]) throws(MergeError) -> ConfigurationNode {
    guard depth <= Self.maximumDepth else { throw place(node.mark).error("nested deeper than \(Self.maximumDepth) levels") }
    let result: ConfigurationNode
    switch node {
    case .scalar(let scalar):
      result = try convert(scalar, depth: depth, anchors)
    case .sequence(let sequence):
      try checkTag(sequence.tag, "seq", sequence.mark)
      var items: [ConfigurationNode] = []
      var size = 1
      for item in sequence {
        items.append(try convert(item, depth: depth + 1, anchors: &anchors))
        size += items[items.count - 1].size
        guard size <= Self.maximumNodes else { throw tooManyNodes(sequence.mark) }
      }
      result = made(.list(items), sequence.mark)
    case .mapping(let mapping):
      try checkTag(mapping.tag, "map", mapping.mark)
      result = try convert(mapping, depth: depth, anchors: &anchors)
    case .alias(let alias):
      // Yams makes these only for trees that are built in memory.
      throw place(alias.mark).error("an alias out of place")
    }
    if let anchor = node.anchor { anchors[anchor.rawValue] = result }
    return result
  }

  private func convert(_ mapping: Node.Mapping, depth: Int, anchors: inout [String: ConfigurationNode]) throws(MergeError) -> ConfigurationNode {
    var entries: [ConfigurationNode.Entry] = []
    var merged: [ConfigurationNode.Entry] = []
    var size = 1
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key, alias(scalar) == nil else { throw place(key.mark).error("a key must be a text") }
      let name = restored(scalar.string)
      let node = try convert(value, depth: depth + 1, anchors: &anchors)
      size += 1 + node.size
      guard size <= Self.maximumNodes else { throw tooManyNodes(mapping.mark) }
      if name == "<<", scalar.style == .plain {
        merged += try mergedEntries(node)
      } else {
        let mark = scalar.mark
        if let anchor = scalar.anchor { anchors[anchor.rawValue] = made(.text(name), mark) }
        entries.append(.init(key: name, keyLine: mark?.line ?? 1, keyColumn: mark?.column ?? 1, value: node))
      }
    }
    // A key of the mapping itself wins over merged ones, an earlier merged mapping over a later one.
    var names = Set(entries.map(\.key))
    for entry in merged where names.insert(entry.key).inserted { entries.append(entry) }
    return made(.map(entries), mapping.mark)
  }

  /// What `<<` brings in: a mapping, or a list of them.
  private func mergedEntries(_ node: ConfigurationNode) throws(MergeError) -> [ConfigurationNode.Entry] {
    switch node.content {
    case .map(let entries): return entries
    case .list(let nodes):
      var all: [ConfigurationNode.Entry] = []
      for node in nodes {
        guard case .map(let entries) = node.content else { throw notMergeable(node) }
        all += entries
      }
      return all
    default: throw notMergeable(node)
    }
  }

  private func notMergeable(_ node: ConfigurationNode) -> MergeError {
    ConfigurationPlace(file: file, line: node.line, column: node.column, path: "").error("<< takes a mapping or a list of mappings")
  }

  private func convert(_ scalar: Node.Scalar, depth: Int, _ anchors: [String: ConfigurationNode]) throws(MergeError) -> ConfigurationNode {
    if let name = alias(scalar) {
      guard let node = anchors[name] else {
        throw place(scalar.mark).error("there is no anchor &\(name.prefix(60)) above; a text that begins with * needs quotes: '*\(name.prefix(60))'")
      }
      guard depth + node.depth - 1 <= Self.maximumDepth else { throw place(scalar.mark).error("nested deeper than \(Self.maximumDepth) levels") }
      return node
    }
    let text = restored(scalar.string)
    if scalar.tag.rawValue == "tag:yaml.org,2002:str" { return made(.text(text), scalar.mark) }
    try checkTag(scalar.tag, "str", scalar.mark)
    return made(scalar.style == .plain ? PlainScalar.content(text) : .text(text), scalar.mark)
  }

  /// The name of the anchor that a plain scalar stands for.
  private func alias(_ scalar: Node.Scalar) -> String? {
    guard scalar.style == .plain, scalar.string.first == Self.star else { return nil }
    return restored(String(scalar.string.dropFirst()))
  }

  private func restored(_ text: String) -> String { text.replacing(String(Self.star), with: "*") }

  private func checkTag(_ tag: Tag, _ allowed: String, _ mark: Mark?) throws(MergeError) {
    let name = tag.rawValue
    guard name.isEmpty || name == "tag:yaml.org,2002:\(allowed)" else {
      throw place(mark).error("the tag \(name.prefix(60)) is not taken here; write the value alone")
    }
  }

  private func made(_ content: ConfigurationNode.Content, _ mark: Mark?) -> ConfigurationNode {
    ConfigurationNode(content, line: mark?.line ?? 1, column: mark?.column ?? 1)
  }

  private func place(_ mark: Mark?) -> ConfigurationPlace {
    ConfigurationPlace(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, path: "")
  }

  private func tooManyNodes(_ mark: Mark?) -> MergeError {
    place(mark).error("more than \(Self.maximumNodes) values, aliases counted as what they stand for")
  }

  private func failure(_ error: YamlError, _ text: String) -> MergeError {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let context = context.map { " (\($0.text) of line \($0.mark.line))" } ?? ""
      return place(mark).error("no YAML: \(restored(problem))\(context)")
    case .duplicatedKeysInMapping(let names, let context):
      return place(context.mark).error("the key \(restored(names.first ?? "").prefix(60)) is given twice in one mapping")
    case .reader(let problem, let offset, _, _):
      let before = text.prefix(offset ?? 0)
      let line = 1 + before.count { $0.isNewline }
      let column = 1 + before.reversed().prefix { !$0.isNewline }.count
      return ConfigurationPlace(file: file, line: line, column: column, path: "").error("no YAML: \(problem)")
    default:
      return place(nil).error("no YAML")
    }
  }

  /// Runs `body` on a thread of its own and waits for it.
  private static func onLargeStack<Value>(_ body: @escaping () throws(MergeError) -> Value) throws(MergeError) -> Value {
    // The caller waits, so one thread at a time touches these.
    nonisolated(unsafe) var result: Result<Value, MergeError>?
    nonisolated(unsafe) let body = body
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      do throws(MergeError) { result = .success(try body()) } catch { result = .failure(error) }
      done.signal()
    }
    thread.stackSize = stackSize
    thread.start()
    done.wait()
    guard let result else { preconditionFailure("the thread ended without a result") }
    return try result.get()
  }
}
