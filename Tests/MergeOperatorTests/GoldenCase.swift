import CentramModel
import CentramPluginAPI
import Foundation
import Testing

/// A merge that mergekit did, from Tests/Fixtures/Golden/merge/index.json.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/Golden/merge")

  let id: String, method: String
  let expected: String, ideal: String?, masks: String?
  /// bf16 compares |x−y| with 2⁻⁷·max(|y|, 2⁻⁹), the others with atol + rtol·|y|.
  let isRoundedRule: Bool
  let absolute: Double, relative: Double, allowedOutside: Double
  let models: [Source]
  let base: String?
  let shared: Setting
  let outFormat: String?

  struct Source: Sendable {
    let name: String
    let parameters: Setting
  }

  var testDescription: String { id }

  /// The cases whose configuration needs neither slices nor tokenizers.
  static let all: [GoldenCase] = {
    let index = try! JSONSerialization.jsonObject(with: Data(contentsOf: root.appending(path: "index.json"))) as! [String: Any]
    return (index["cases"] as! [[String: Any]]).compactMap(GoldenCase.init)
  }()

  init?(_ json: [String: Any]) {
    guard let config = json["config"] as? [String: Any], let expected = json["expected"] as? String,
      let list = (config["models"] ?? ((config["modules"] as? [String: Any])?["default"] as? [String: Any])?["models"]) as? [[String: Any]],
      config["tokenizer"] == nil, config["tokenizer_source"] == nil
    else { return nil }
    func name(_ reference: Any?) -> String? { (reference as? String)?.replacingOccurrences(of: "${M}/", with: "") }
    (id, method) = (json["id"] as! String, config["merge_method"] as! String)
    (self.expected, ideal, masks) = (expected, json["ideal"] as? String, json["masks"] as? String)
    let tolerance = json["tolerance"] as! [String: Any]
    isRoundedRule = tolerance["kind"] as! String == "bf16"
    absolute = tolerance["atol"] as? Double ?? 0
    relative = tolerance["rtol"] as? Double ?? 0
    allowedOutside = tolerance["max_outside_fraction"] as! Double
    base = name(config["base_model"])
    var models = list.map { Source(name: name($0["model"])!, parameters: Setting($0["parameters"])) }
    if let base, !models.contains(where: { $0.name == base }) { models.append(Source(name: base, parameters: Setting(nil))) }
    self.models = models
    shared = Setting(config["parameters"])
    outFormat = config["out_dtype"] as? String
  }

  static func file(_ path: String) throws -> SafetensorsFile { try SafetensorsFile(path: root.appending(path: path).path) }

  /// The parameters for one tensor, gradients and filters worked out.
  func parameters(tensor: String, layers: Int, specifications: [ParameterSpecification]) -> Parameters {
    let parts = tensor.split(separator: ".")
    let layer = parts.count > 2 && parts[1] == "layers" ? Double(parts[2])! / Double(layers - 1) : 0
    var result = Parameters(perInput: models.map { _ in [:] })
    for specification in specifications {
      let global = shared.value(specification.name, tensor: tensor, at: layer)
      if specification.scope == .shared {
        result.shared[specification.name] = global
      } else {
        for (index, model) in models.enumerated() {
          result.perInput[index][specification.name] = model.parameters.value(specification.name, tensor: tensor, at: layer) ?? global
        }
      }
    }
    return result
  }
}

/// A `parameters` section.
struct Setting: @unchecked Sendable {
  private let json: [String: Any]
  init(_ json: Any?) { self.json = json as? [String: Any] ?? [:] }

  func value(_ name: String, tensor: String, at layer: Double) -> ParameterValue? {
    json[name].flatMap { Self.evaluate($0, tensor, layer) }
  }

  private static func evaluate(_ setting: Any, _ tensor: String, _ layer: Double) -> ParameterValue? {
    if let filters = setting as? [[String: Any]] {
      let match = filters.first { ($0["filter"] as? String).map { $0 == "*" || tensor.contains($0) } ?? true }
      return match.flatMap { evaluate($0["value"]!, tensor, layer) }
    }
    if let gradient = setting as? [Double] {
      let place = layer * Double(gradient.count - 1), lower = Int(place), fraction = place - Double(lower)
      return .number((1 - fraction) * gradient[lower] + fraction * gradient[min(gradient.count - 1, lower + 1)])
    }
    guard let number = setting as? NSNumber else { return nil }
    return CFBoolean.isBoolean(number) ? .boolean(number.boolValue) : .number(number.doubleValue)
  }
}

private enum CFBoolean {
  static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
