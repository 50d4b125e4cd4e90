internal import CentramPluginAPI

/// What a merge operator takes, for people and as JSON.
struct OperatorDetails: Encodable {
  struct Parameter: Encodable {
    let name: String, type: String, scope: String, required: Bool, defaultValue: String?, minimum: Double?, maximum: Double?, summary: String
  }

  let needsBase: Bool, baseIsInput: Bool, usesSeed: Bool
  let minimumInputs: Int, maximumInputs: Int
  let parameters: [Parameter]

  init(_ info: MergeOperatorInfo) {
    (needsBase, baseIsInput, usesSeed) = (info.needs.contains(.base), info.needs.contains(.baseAsInput), info.needs.contains(.seed))
    (minimumInputs, maximumInputs) = (info.inputs.lowerBound, info.inputs.upperBound)
    parameters = info.parameters.map { Parameter($0) }
  }

  func print() {
    Swift.print(
      "inputs  \(minimumInputs == maximumInputs ? "\(minimumInputs)" : "\(minimumInputs) to \(maximumInputs)")\(baseIsInput ? ", the base among them" : needsBase ? ", and a base model" : "")"
    )
    if usesSeed { Swift.print("random  draws from --seed") }
    Parameter.print(parameters)
  }
}

/// The same of a trainer.
struct TrainerDetails: Encodable {
  let parameters: [OperatorDetails.Parameter]
  init(_ info: TrainerInfo) { parameters = info.parameters.map { OperatorDetails.Parameter($0) } }
}

extension OperatorDetails.Parameter {
  init(_ specification: ParameterSpecification) {
    self.init(
      name: specification.name, type: "\(specification.type)", scope: specification.scope == .shared ? "shared" : "per model", required: specification.isRequired,
      defaultValue: specification.defaultValue?.description, minimum: specification.limits?.lowerBound, maximum: specification.limits?.upperBound,
      summary: specification.summary)
  }

  static func print(_ parameters: [Self]) {
    guard !parameters.isEmpty else { return }
    Swift.print("\nparameters")
    let width = parameters.map(\.name.count).max() ?? 0
    for parameter in parameters {
      let value = parameter.required ? "required" : parameter.defaultValue.map { "default \($0)" } ?? "optional"
      let limits = parameter.minimum.flatMap { low in parameter.maximum.map { ", \(ParameterValue.number(low)) to \(ParameterValue.number($0))" } } ?? ""
      Swift.print(
        "  \(parameter.name + String(repeating: " ", count: width - parameter.name.count))  \(parameter.scope), \(parameter.type), \(value)\(limits): \(parameter.summary)")
    }
  }
}
