public import CentramPluginAPI

/// What a configuration says about one parameter: a value, values spread over the layers, or either of them by tensor
/// name.
public enum ParameterSetting: Sendable, Equatable {
  case value(ParameterValue)
  /// Spread over the layers. Without values it is not set.
  case gradient([ParameterValue])
  /// The first that matches counts.
  case filtered([Filter])

  public struct Filter: Sendable, Equatable {
    /// Part of a tensor name; nil or `*` for all.
    public var pattern: String?
    /// One value, or several spread over the layers.
    public var values: [ParameterValue]
    public var isGradient: Bool

    public init(pattern: String?, values: [ParameterValue], isGradient: Bool) {
      (self.pattern, self.values, self.isGradient) = (pattern, values, isGradient)
    }

    func matches(_ tensor: String) -> Bool {
      guard let pattern, pattern != "*" else { return true }
      return tensor.contains(pattern)
    }
  }

  /// The value for a tensor at position `x` of its slice, 0 to 1; nil where it is not set or no filter matches.
  public func value(tensor: String, position x: Double) -> ParameterValue? {
    switch self {
    case .value(let value): return value
    case .gradient(let values): return Self.value(of: values, at: x)
    case .filtered(let filters):
      guard let filter = filters.first(where: { $0.matches(tensor) }) else { return nil }
      return filter.isGradient ? Self.value(of: filter.values, at: x) : filter.values.first
    }
  }

  /// Numbers are interpolated between neighbours; of anything else, the one that x falls on counts.
  private static func value(of values: [ParameterValue], at x: Double) -> ParameterValue? {
    guard !values.isEmpty else { return nil }
    let s = x * Double(values.count - 1)
    let i = Int(s), j = min(values.count - 1, i + 1)
    guard case .number(let low) = values[i], case .number(let high) = values[j] else { return values[i] }
    let f = s - Double(i)
    return .number((1 - f) * low + f * high)
  }

  /// Every value in it.
  var allValues: [ParameterValue] {
    switch self {
    case .value(let value): [value]
    case .gradient(let values): values
    case .filtered(let filters): filters.flatMap(\.values)
    }
  }
}

/// The parameters given in one place.
public struct ParameterSettings: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var setting: ParameterSetting
    public var place: ConfigurationPlace
  }

  public var entries: [String: Entry]
  public init(entries: [String: Entry] = [:]) { self.entries = entries }

  public subscript(name: String) -> ParameterSetting? { entries[name]?.setting }

  /// In the order of the text.
  var inOrder: [(name: String, entry: Entry)] {
    entries.map { ($0.key, $0.value) }.sorted { ($0.1.place.line, $0.1.place.column) < ($1.1.place.line, $1.1.place.column) }
  }
}
