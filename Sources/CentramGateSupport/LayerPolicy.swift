public import CentramPluginAPI
internal import CentramGenome

/// A layer's settings for one candidate: the policy's values checked against the layer's parameters, defaults filled in.
public struct LayerPolicy: Sendable {
  private var values: [String: ParameterValue] = [:]

  /// - Parameters:
  ///   - layer: its id, for messages.
  ///   - json: the candidate's `policyJSON`, a flat object.
  /// - Throws: `.invalid` for an unknown parameter, a wrong type or a value beyond its limits, which the message names.
  public init(_ layer: String, json: String, _ specifications: [ParameterSpecification]) throws(PluginError) {
    let root: JSONValue
    do throws(GenomeError) { root = try JSONValue(parsing: Array(json.utf8.prefix((1 << 16) + 1)), name: "the policy") } catch {
      throw PluginError(.invalid, "\(layer): \(error.message)")
    }
    guard case .object(let members) = root else { throw PluginError(.invalid, "\(layer): the policy is no JSON object") }
    for specification in specifications { values[specification.name] = specification.defaultValue }
    for member in members {
      guard let specification = specifications.first(where: { $0.name == member.key }) else {
        let names = specifications.map(\.name)
        let hint = NearestName.suggestion(for: member.key, among: names).map { "did you mean \($0)?" } ?? "known are \(names.sorted().joined(separator: ", "))"
        throw PluginError(.invalid, "\(layer) has no parameter \(member.key.prefix(60)); \(hint)")
      }
      values[member.key] = try Self.checked(member.value, specification, layer)
    }
  }

  private static func checked(_ value: JSONValue, _ specification: ParameterSpecification, _ layer: String) throws(PluginError) -> ParameterValue {
    func wrong(_ what: String) -> PluginError { PluginError(.invalid, "\(layer): \(specification.name) is \(value.text.prefix(60)), \(what)") }
    switch (specification.type, value) {
    case (.number, .number(let spelling)), (.integer, .number(let spelling)):
      guard let number = Double(spelling), number.isFinite else { throw wrong("too large for a number") }
      if specification.type == .integer, Int(exactly: number) == nil { throw wrong("not a whole number") }
      if let limits = specification.limits, !limits.contains(number) {
        throw wrong("not between \(ParameterValue.number(limits.lowerBound)) and \(ParameterValue.number(limits.upperBound))")
      }
      return .number(number)
    case (.boolean, .boolean(let flag)): return .boolean(flag)
    case (.string, .string(let text)): return .string(text)
    case (.boolean, _): throw wrong("not true or false")
    case (.string, _): throw wrong("not a text")
    default: throw wrong("not a number")
    }
  }

  /// A parameter with a default.
  public func number(_ name: String) -> Double {
    guard case .number(let value) = values[name] else { preconditionFailure("the layer has no number \(name) with a default") }
    return value
  }

  public func integer(_ name: String) -> Int {
    guard let value = Int(exactly: number(name)) else { preconditionFailure("the layer has no whole number \(name) with a default") }
    return value
  }

  public func flag(_ name: String) -> Bool { values[name] == .boolean(true) }

  public func string(_ name: String) -> String { values[name]?.description ?? "" }
}
