internal import CentramPluginAPI

/// Holds every parameter of a configuration against what an operator takes, before any tensor is looked at.
enum ParameterCheck {
  static func check(_ configuration: MergeConfiguration, _ specifications: [ParameterSpecification]) throws(MergeError) {
    let method = configuration.method
    func check(_ settings: ParameterSettings, ofOneInput: Bool) throws(MergeError) {
      // In the order of the text, so that the first mistake is reported first.
      for (name, entry) in settings.inOrder {
        guard let specification = specifications.first(where: { $0.name == name }) else {
          throw entry.place.error("\(name.prefix(60)) is no parameter of \(method)\(NearestName.hint(name, among: specifications.map(\.name)))")
        }
        if ofOneInput, specification.scope == .shared {
          throw entry.place.error("\(name) is one value for all models of \(method); move it to the parameters of the slice or of the document")
        }
        for value in entry.setting.allValues { _ = try accept(value, specification, entry.place) }
      }
    }
    try check(configuration.parameters, ofOneInput: false)
    try check(configuration.moduleParameters, ofOneInput: false)
    switch configuration.inputs {
    case .models(let sources):
      for source in sources { try check(source.parameters, ofOneInput: true) }
    case .slices(let slices):
      for slice in slices {
        try check(slice.parameters, ofOneInput: false)
        for source in slice.sources { try check(source.parameters, ofOneInput: true) }
      }
    }
  }

  /// The value in the type that the operator takes.
  /// - Throws: where it has another type or is outside the limits.
  static func accept(_ value: ParameterValue, _ specification: ParameterSpecification, _ place: ConfigurationPlace) throws(MergeError) -> ParameterValue {
    let name = specification.name
    switch (specification.type, value) {
    case (.number, .number(let number)), (.integer, .number(let number)):
      if specification.type == .integer, number != number.rounded() {
        throw place.error("\(name) is a whole number, not \(ParameterText.number(number))")
      }
      if let limits = specification.limits, !limits.contains(number) {
        throw place.error("\(name) is \(ParameterText.number(number)), outside \(text(limits))")
      }
      return value
    case (.boolean, .boolean), (.string, .string): return value
    // 0 and 1 stand for false and true in configurations that are in use.
    case (.boolean, .number(0)): return .boolean(false)
    case (.boolean, .number(1)): return .boolean(true)
    default:
      let quoted: String
      if case .string(let text) = value { quoted = "the text \"\(text.prefix(60))\"" } else { quoted = value.description }
      throw place.error("\(name) is \(wanted(specification.type)), not \(quoted)")
    }
  }

  private static func wanted(_ type: ParameterSpecification.ValueType) -> String {
    switch type {
    case .number: "a number"
    case .integer: "a whole number"
    case .boolean: "true or false"
    case .string: "a text"
    }
  }

  private static func text(_ limits: ClosedRange<Double>) -> String {
    switch (limits.lowerBound.isFinite && abs(limits.lowerBound) < 1e300, limits.upperBound.isFinite && abs(limits.upperBound) < 1e300) {
    case (true, false): "\(ParameterText.number(limits.lowerBound)) and above"
    case (false, true): "\(ParameterText.number(limits.upperBound)) and below"
    default: "\(ParameterText.number(limits.lowerBound)) to \(ParameterText.number(limits.upperBound))"
    }
  }
}
