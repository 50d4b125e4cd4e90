public import CentramPluginAPI
internal import FoundationEssentials

/// Reads a trainer's settings, a flat JSON object, against the parameters that the trainer states: unknown keys, wrong types
/// and values outside of the limits are refused by name, and defaults are filled in.
public struct SettingsReader: Sendable {
  private var values: [String: ParameterValue] = [:]
  private let given: Set<String>

  /// - Throws: `.invalid`.
  public init(json: String, specifications: [ParameterSpecification]) throws(PluginError) {
    guard json.utf8.count <= 1 << 20 else { throw PluginError(.limitExceeded, "settings of \(json.utf8.count) bytes; 1 MiB is the limit") }
    let object: [String: Value]
    do { object = try JSONDecoder().decode([String: Value].self, from: Data(json.utf8)) } catch {
      throw PluginError(.invalid, "the settings are not a JSON object of numbers, strings and true or false")
    }
    let names = specifications.map(\.name)
    for key in object.keys.sorted() where !names.contains(key) {
      let near = Self.nearest(to: key, among: names)
      throw PluginError(
        .invalid, "the trainer has no parameter \(key.prefix(60)); " + (near.map { "did you mean \($0)?" } ?? "known are \(names.sorted().joined(separator: ", "))"))
    }
    given = Set(object.filter { $0.value.value != nil }.keys)
    for specification in specifications {
      guard let value = object[specification.name]?.value else {
        guard !specification.isRequired else { throw PluginError(.invalid, "the parameter \(specification.name) is missing: \(specification.summary)") }
        values[specification.name] = specification.defaultValue
        continue
      }
      values[specification.name] = try Self.checked(value, specification)
    }
  }

  /// Whether the user gave it.
  public func isGiven(_ name: String) -> Bool { given.contains(name) }

  public func number(_ name: String) -> Double? { if case .number(let number) = values[name] { number } else { nil } }
  public func integer(_ name: String) -> Int? { number(name).flatMap { Int(exactly: $0) } }
  public func flag(_ name: String) -> Bool { values[name] == .boolean(true) }
  /// Nil where it is empty, too.
  public func string(_ name: String) -> String? { if case .string(let text) = values[name], !text.isEmpty { text } else { nil } }

  /// The values as one line in a fixed order, without `names`: whether two runs have the same settings.
  public func fingerprint(without names: Set<String>) -> String {
    values.filter { !names.contains($0.key) }.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ";")
  }

  private static func checked(_ value: ParameterValue, _ specification: ParameterSpecification) throws(PluginError) -> ParameterValue {
    let name = specification.name
    switch (specification.type, value) {
    case (.number, .number(let number)), (.integer, .number(let number)):
      guard number.isFinite else { throw PluginError(.invalid, "\(name) is \(number)") }
      if specification.type == .integer, Int(exactly: number) == nil { throw PluginError(.invalid, "\(name) is \(number), not a whole number") }
      if let limits = specification.limits, !limits.contains(number) {
        throw PluginError(.invalid, "\(name) is \(value), not between \(ParameterValue.number(limits.lowerBound)) and \(ParameterValue.number(limits.upperBound))")
      }
      return value
    case (.boolean, .boolean), (.string, .string): return value
    // What takes a number or a word.
    case (.string, .number): return .string(value.description)
    case (.boolean, _): throw PluginError(.invalid, "\(name) is \(value), not true or false")
    case (.string, _): throw PluginError(.invalid, "\(name) is \(value), not a text")
    default: throw PluginError(.invalid, "\(name) is \"\(value)\", not a number")
    }
  }

  private struct Value: Decodable {
    let value: ParameterValue?
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        value = nil
      } else if let flag = try? container.decode(Bool.self) {
        value = .boolean(flag)
      } else if let number = try? container.decode(Double.self) {
        value = .number(number)
      } else if let list = try? container.decode([String].self) {
        value = .string(list.joined(separator: ","))
      } else {
        value = .string(try container.decode(String.self))
      }
    }
  }

  /// The name with the fewest edits, at most a third of its letters.
  static func nearest(to name: String, among names: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(64))
    func distance(_ other: [UInt8]) -> Int {
      var row = Array(0...other.count)
      for (i, a) in wanted.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in other.enumerated() {
          let replaced = diagonal + (a == b ? 0 : 1)
          diagonal = row[j + 1]
          row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        }
      }
      return row[other.count]
    }
    let best = names.sorted().map { (name: $0, distance: distance(Array($0.utf8))) }.min { $0.distance < $1.distance }
    return best.flatMap { $0.distance <= max(2, max(wanted.count, $0.name.utf8.count) / 3) ? $0.name : nil }
  }
}
