// SPDX-License-Identifier: Apache-2.0

/// A value that a user gave, after gradients and filters were worked out for the tensor at hand.
public enum ParameterValue: Sendable, Equatable, CustomStringConvertible {
  case number(Double), boolean(Bool), string(String)

  public var description: String {
    switch self {
    case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    case .boolean(let value): "\(value)"
    case .string(let value): value
    }
  }
}

/// A parameter that a plugin takes. The host checks names, types and limits before it calls.
public struct ParameterSpecification: Sendable, Equatable {
  @frozen public enum ValueType: Int32, Sendable { case number = 0, integer, boolean, string }
  /// Whether it is one value for all, or one for each input.
  @frozen public enum Scope: Int32, Sendable { case shared = 0, perInput }

  public var name: String
  public var summary: String
  public var type: ValueType
  public var scope: Scope
  public var isRequired: Bool
  public var defaultValue: ParameterValue?
  /// Inclusive.
  public var limits: ClosedRange<Double>?

  public init(
    _ name: String, _ type: ValueType, _ scope: Scope = .shared, default defaultValue: ParameterValue? = nil,
    required isRequired: Bool = false, limits: ClosedRange<Double>? = nil, _ summary: String
  ) {
    (self.name, self.type, self.scope, self.defaultValue) = (name, type, scope, defaultValue)
    (self.isRequired, self.limits, self.summary) = (isRequired, limits, summary)
  }
}

/// Parameters as a plugin reads them: shared ones, and a set for each input. Defaults are filled in already.
public struct Parameters: Sendable, Equatable {
  public var shared: [String: ParameterValue]
  public var perInput: [[String: ParameterValue]]

  public init(shared: [String: ParameterValue] = [:], perInput: [[String: ParameterValue]] = []) {
    self.shared = shared
    self.perInput = perInput
  }

  /// - Parameter input: an input's index, or nil for a shared parameter.
  public func value(_ name: String, input: Int? = nil) -> ParameterValue? {
    guard let input else { return shared[name] }
    return perInput.indices.contains(input) ? perInput[input][name] : nil
  }

  /// The number, or nil where it is not set.
  public func number(_ name: String, input: Int? = nil) throws(PluginError) -> Double? {
    switch value(name, input: input) {
    case nil: return nil
    case .number(let number): return number
    case .boolean(let flag): return flag ? 1 : 0
    case .string(let text): throw PluginError(.invalid, "parameter \(name) is \"\(text)\", not a number")
    @unknown default: throw PluginError(.invalid, "parameter \(name) has a type that this plugin does not know")
    }
  }

  /// The number.
  /// - Throws: `.invalid` where it is not set.
  public func requiredNumber(_ name: String, input: Int? = nil) throws(PluginError) -> Double {
    guard let number = try number(name, input: input) else {
      throw PluginError(.invalid, "parameter \(name) is missing" + (input.map { " for input \($0)" } ?? ""))
    }
    return number
  }

  public func flag(_ name: String, input: Int? = nil) throws(PluginError) -> Bool {
    switch value(name, input: input) {
    case nil: return false
    case .boolean(let flag): return flag
    case .number(let number): return number != 0
    case .string(let text): throw PluginError(.invalid, "parameter \(name) is \"\(text)\", not true or false")
    @unknown default: throw PluginError(.invalid, "parameter \(name) has a type that this plugin does not know")
    }
  }

  public func string(_ name: String, input: Int? = nil) -> String? { value(name, input: input)?.description }
}
