internal import CentramLanes
public import CentramPluginAPI

/// Instances by kind. A selector is a full id (`merge.linear`) or a short name (`linear`), either with `@` and a version
/// range where it matters. The highest version in range is taken, and loaded if it is not yet.
///
/// Each throws a `HostError`; where the plugin itself refused its configuration, that is the error's `cause`.
extension PluginHost {
  public func mergeOperator(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any MergeOperator {
    try instance(.mergeOperator, selector, configurationJSON)
  }

  public func gateLayer(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any GateLayer {
    try instance(.gateLayer, selector, configurationJSON)
  }

  public func transport(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any Transport {
    try instance(.transport, selector, configurationJSON)
  }

  public func trainer(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any Trainer {
    try instance(.trainer, selector, configurationJSON)
  }

  public func economyRule(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any EconomyRule {
    try instance(.economyRule, selector, configurationJSON)
  }

  /// Finds a plugin by id or short name, as in `PluginRegistry.resolve`.
  public func resolve(kind: PluginKind, name: String) throws(HostError) -> PluginRecord {
    try snapshot().resolve(kind: kind, name: name)
  }

  private func instance<Instance>(_ kind: PluginKind, _ selector: String, _ configurationJSON: String) throws(HostError) -> Instance {
    let (record, capability) = try load(kind: kind, name: selector)
    let instance: any Sendable
    do throws(PluginError) {
      instance = try capability.make(PluginEnvironment(services: services, configurationJSON: configurationJSON))
    } catch {
      throw HostError(.instance, "\(record.title) made no instance: \(error.message)", cause: error)
    }
    guard let instance = instance as? Instance else { throw HostError(.wrongKind, "\(record.title) is a \(capability.kind), not a \(kind)") }
    didMakeInstance(record)
    return instance
  }
}
