public import CentramPluginAPI
internal import CentramTrainingSupport

/// A layer's settings for one candidate: the policy's values checked against the layer's parameters, defaults filled in.
public struct LayerPolicy: Sendable {
  private let reader: SettingsReader

  /// - Parameters:
  ///   - layer: its id, for messages.
  ///   - json: the candidate's `policyJSON`.
  /// - Throws: `.invalid` for an unknown parameter, a wrong type or a value outside of its limits, which the message names.
  public init(_ layer: String, json: String, _ specifications: [ParameterSpecification]) throws(PluginError) {
    do throws(PluginError) { reader = try SettingsReader(json: json, specifications: specifications, subject: layer) } catch {
      throw PluginError(error.code, "\(layer): \(error.message)")
    }
  }

  /// A parameter with a default.
  public func number(_ name: String) -> Double {
    guard let value = reader.number(name) else { preconditionFailure("the layer has no number \(name) with a default") }
    return value
  }

  public func integer(_ name: String) -> Int {
    guard let value = reader.integer(name) else { preconditionFailure("the layer has no whole number \(name) with a default") }
    return value
  }

  public func string(_ name: String) -> String { reader.string(name) ?? "" }
}

extension HostServices {
  /// A service that a layer cannot judge without.
  /// - Throws: `.unavailable`, which counts as a refusal.
  public func required<Service>(_ id: String, for layer: String, as type: Service.Type = Service.self) throws(PluginError) -> Service {
    guard let service = service(id) as? Service else {
      throw PluginError(.unavailable, "\(layer) cannot judge without the host's service \(id); run it in a node that offers it")
    }
    return service
  }
}
