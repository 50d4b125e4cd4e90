/// A node together with the way that led to it: reads it as what it must be, or says where it is wrong.
struct ConfigurationCursor {
  let node: ConfigurationNode
  let place: ConfigurationPlace

  init(_ node: ConfigurationNode, file: String, path: String) {
    self.node = node
    place = ConfigurationPlace(file: file, line: node.line, column: node.column, path: path)
  }

  var isNull: Bool {
    if case .null = node.content { true } else { false }
  }

  func error(_ message: String) -> MergeError { place.error(message) }

  private func wrong(_ wanted: String) -> MergeError { error("\(wanted) is needed here, not \(node.kind)") }

  // MARK: Scalars

  /// A text with something in it.
  func text(_ wanted: String = "a text") throws(MergeError) -> String {
    switch node.content {
    case .text(let text) where text.contains { !$0.isWhitespace }: return text
    case .text: throw error("\(wanted) is needed here, not an empty one")
    case .boolean, .number: throw error("\(wanted) is needed here, not \(node.kind); put it in quotes if it is one")
    default: throw wrong(wanted)
    }
  }

  func boolean() throws(MergeError) -> Bool {
    guard case .boolean(let value) = node.content else { throw wrong("true or false") }
    return value
  }

  func integer(_ limits: ClosedRange<Int>, _ wanted: String = "a whole number") throws(MergeError) -> Int {
    guard case .number(let value) = node.content else { throw wrong(wanted) }
    guard let integer = Int(exactly: value) else { throw wrong(wanted) }
    guard limits.contains(integer) else { throw error("\(integer) is outside \(limits.lowerBound) to \(limits.upperBound)") }
    return integer
  }

  // MARK: Lists

  /// The items of a list that holds something.
  func items(_ wanted: String) throws(MergeError) -> [ConfigurationCursor] {
    guard case .list(let nodes) = node.content else { throw wrong("a list of \(wanted)") }
    guard !nodes.isEmpty else { throw error("the list of \(wanted) is empty") }
    return nodes.enumerated().map { .init($1, file: place.file, path: "\(place.path)[\($0)]") }
  }

  // MARK: Mappings

  /// The values of a mapping with any keys, in the order of the text.
  func values(_ wanted: String) throws(MergeError) -> [(key: String, value: ConfigurationCursor)] {
    guard case .map(let entries) = node.content else { throw wrong(wanted) }
    return entries.map { ($0.key, child($0)) }
  }

  /// The values of a mapping that takes only `keys`. A key with nothing behind it counts as left out.
  func fields(_ keys: [String], _ wanted: String) throws(MergeError) -> ConfigurationFields {
    guard case .map(let entries) = node.content else { throw wrong(wanted) }
    var values: [String: ConfigurationCursor] = [:]
    for entry in entries {
      guard keys.contains(entry.key) else {
        let place = ConfigurationPlace(file: place.file, line: entry.keyLine, column: entry.keyColumn, path: place.path)
        let name = entry.key.isEmpty ? "an empty key" : String(entry.key.prefix(60))
        throw place.error("\(name) is no key here\(NearestName.hint(entry.key, among: keys))")
      }
      if case .null = entry.value.content { continue }
      values[entry.key] = child(entry)
    }
    return ConfigurationFields(whole: self, values: values)
  }

  private func child(_ entry: ConfigurationNode.Entry) -> ConfigurationCursor {
    .init(entry.value, file: place.file, path: place.path.isEmpty ? entry.key : "\(place.path).\(entry.key)")
  }
}

/// The values of a mapping whose keys are all known.
struct ConfigurationFields {
  let whole: ConfigurationCursor
  let values: [String: ConfigurationCursor]

  subscript(key: String) -> ConfigurationCursor? { values[key] }

  func required(_ key: String, _ why: String) throws(MergeError) -> ConfigurationCursor {
    guard let value = values[key] else { throw whole.error("\(key) is missing: \(why)") }
    return value
  }

  /// The one of several keys that is given.
  func exactlyOne(_ keys: [String]) throws(MergeError) -> (key: String, value: ConfigurationCursor) {
    let given = keys.filter { values[$0] != nil }
    let list = keys.dropLast().joined(separator: ", ") + " or " + keys[keys.count - 1]
    guard let key = given.first, let value = values[key] else { throw whole.error("one of \(list) is missing") }
    guard given.count == 1 else { throw values[given[1]]!.error("there is \(given[0]) already; give only one of \(list)") }
    return (key, value)
  }
}
