import CentramPluginAPI
import CentramPluginTesting

/// An operator and the parameters that it is timed with, those of the comparison with mergekit.
struct Method {
  let name: String
  let operation: any TensorMerging
  private let shared: [String: ParameterValue]
  private let each: [String: ParameterValue]

  private static let methods: [String: (shared: [String: ParameterValue], each: [String: ParameterValue])] = [
    "linear": ([:], ["weight": .number(0.5)]),
    "slerp": (["t": .number(0.4)], [:]),
    "nuslerp": ([:], ["weight": .number(0.5)]),
    "multislerp": ([:], ["weight": .number(0.5)]),
    "karcher": ([:], [:]),
    "task_arithmetic": ([:], ["weight": .number(0.5)]),
    "ties": ([:], ["weight": .number(0.5), "density": .number(0.5)]),
    "dare_ties": ([:], ["weight": .number(0.5), "density": .number(0.5)]),
    "dare_linear": ([:], ["weight": .number(0.5), "density": .number(0.5)]),
    "breadcrumbs": ([:], ["weight": .number(0.5), "density": .number(0.5)]),
    "breadcrumbs_ties": ([:], ["weight": .number(0.5), "density": .number(0.5)]),
    "della": ([:], ["weight": .number(0.5), "density": .number(0.5), "epsilon": .number(0.1)]),
    "della_linear": ([:], ["weight": .number(0.5), "density": .number(0.5), "epsilon": .number(0.1)]),
    "model_stock": ([:], [:]),
    "sce": (["select_topk": .number(0.5)], [:]),
    "arcee_fusion": ([:], [:]),
    "nearswap": (["t": .number(0.001)], [:]),
    "ram": ([:], [:]),
    "ramplus_tl": ([:], [:]),
    "passthrough": ([:], [:]),
  ]

  static var names: [String] { methods.keys.sorted() }

  init?(_ name: String) {
    guard let method = Self.methods[name], let operation = Operators.named(name) else { return nil }
    (self.name, self.operation, shared, each) = (name, operation, method.shared, method.each)
  }

  var hasBase: Bool { operation.info.needs.contains(.base) }
  var usualInputs: Int { min(2, operation.info.inputs.upperBound) }

  /// - Parameter options: values for shared parameters among them.
  func parameters(models: Int, _ options: [String: String]) -> Parameters {
    var result = Parameters(shared: shared, perInput: (0..<models).map { _ in each })
    for specification in operation.info.parameters where specification.scope == .shared {
      guard let text = options[specification.name] else { continue }
      result.shared[specification.name] = Double(text).map { .number($0) } ?? .boolean(text == "true")
    }
    return result.filled(from: operation.info.parameters, inputs: models)
  }
}
