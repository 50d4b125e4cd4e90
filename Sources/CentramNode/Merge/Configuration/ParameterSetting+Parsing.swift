internal import CentramPluginAPI

extension ParameterSettings {
  init(_ cursor: ConfigurationCursor?) throws(MergeError) {
    entries = [:]
    guard let cursor else { return }
    for (name, value) in try cursor.values("a mapping of parameters") {
      entries[name] = Entry(setting: try ParameterSetting(value), place: value.place)
    }
  }
}

extension ParameterSetting {
  init(_ cursor: ConfigurationCursor) throws(MergeError) {
    switch cursor.node.content {
    case .map:
      self = .filtered([try Filter(cursor)])
    case .list(let nodes) where nodes.contains(where: \.isMap):
      var filters: [Filter] = []
      for item in try cursor.items("filters") { filters.append(try Filter(item)) }
      self = .filtered(filters)
    case .list: self = .gradient(try Self.gradient(cursor))
    default: self = .value(try Self.scalar(cursor))
    }
  }

  fileprivate static func scalar(_ cursor: ConfigurationCursor) throws(MergeError) -> ParameterValue {
    switch cursor.node.content {
    case .boolean(let value): return .boolean(value)
    case .number(let value):
      guard value.isFinite else { throw cursor.error("\(value) is no value for a parameter") }
      return .number(value)
    case .text(let text): return .string(text)
    default: throw cursor.error("a value, a list of values or filters are needed here, not \(cursor.node.kind)")
    }
  }

  fileprivate static func gradient(_ cursor: ConfigurationCursor) throws(MergeError) -> [ParameterValue] {
    // An empty list means that the parameter is not set here.
    guard case .list(let nodes) = cursor.node.content, !nodes.isEmpty else { return [] }
    var values: [ParameterValue] = []
    for item in try cursor.items("values") {
      let value = try scalar(item)
      if let first = values.first, !first.isLike(value) { throw item.error("\(value) among values of another type; a gradient has values of one type") }
      values.append(value)
    }
    return values
  }
}

extension ParameterSetting.Filter {
  fileprivate init(_ cursor: ConfigurationCursor) throws(MergeError) {
    let fields = try cursor.fields(["filter", "value"], "a filter, {filter: PART OF A TENSOR NAME, value: ...},")
    let value = try fields.required("value", "a filter needs one")
    pattern = try fields["filter"]?.text("part of a tensor name")
    if case .list = value.node.content {
      (values, isGradient) = (try ParameterSetting.gradient(value), true)
    } else {
      (values, isGradient) = ([try ParameterSetting.scalar(value)], false)
    }
  }
}

extension ConfigurationNode {
  fileprivate var isMap: Bool {
    if case .map = content { true } else { false }
  }
}

extension ParameterValue {
  fileprivate func isLike(_ other: ParameterValue) -> Bool {
    switch (self, other) {
    case (.number, .number), (.boolean, .boolean), (.string, .string): true
    default: false
    }
  }
}
