// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

/// Requires that a plugin's parameters are such that a user can set them.
func requireSane(_ parameters: [ParameterSpecification]) throws {
  var names: Set<String> = []
  for parameter in parameters {
    let name = parameter.name
    try require(!name.isEmpty && !parameter.summary.isEmpty, "each parameter to have a name and a summary", "one has the name \"\(name)\" and the summary \"\(parameter.summary)\"")
    try require(names.insert(name).inserted, "names of parameters to stand once", "\(name) stands twice")
    try require(!(parameter.isRequired && parameter.defaultValue != nil), "a required parameter to have no default", "\(name) has one")
    guard let value = parameter.defaultValue else { continue }
    switch (parameter.type, value) {
    case (.number, .number(let number)), (.integer, .number(let number)):
      try require(parameter.limits?.contains(number) ?? !number.isNaN, "defaults inside their limits", "that of \(name) is \(number)")
      try require(parameter.type == .number || number == number.rounded(), "an integer's default to be whole", "that of \(name) is \(number)")
    case (.boolean, .boolean), (.string, .string): break
    default: throw Finding.failed("defaults of their parameter's type", "\(name) is a \(parameter.type) with the default \(value)")
    }
  }
}
