internal import CentramLanes
public import CentramPluginAPI

/// Instances by kind. A selector is a full id (`merge.linear`) or a short name (`linear`), either with `@` and a version
/// range where it matters. The highest version in range is taken, and loaded if it is not yet.
///
/// Each throws a `HostError`; where the plugin itself refused its configuration, that is the error's `cause`.
extension PluginHost {
  public func mergeOperator(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any MergeOperator {
    try instance(.mergeOperator, selector, configurationJSON) { (it, with) throws(PluginError) in try it.mergeOperator(with) }
  }

  public func gateLayer(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any GateLayer {
    try instance(.gateLayer, selector, configurationJSON) { (it, with) throws(PluginError) in try it.gateLayer(with) }
  }

  public func transport(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any Transport {
    try instance(.transport, selector, configurationJSON) { (it, with) throws(PluginError) in try it.transport(with) }
  }

  public func trainer(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any Trainer {
    try instance(.trainer, selector, configurationJSON) { (it, with) throws(PluginError) in try it.trainer(with) }
  }

  public func economyRule(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any EconomyRule {
    try instance(.economyRule, selector, configurationJSON) { (it, with) throws(PluginError) in try it.economyRule(with) }
  }

  /// Finds a plugin by id or short name, as in `PluginRegistry.resolve`.
  public func resolve(kind: PluginKind, name: String) throws(HostError) -> PluginRecord { try snapshot().resolve(kind: kind, name: name) }

  private func instance<Instance>(
    _ kind: PluginKind, _ selector: String, _ configurationJSON: String, _ make: (Capability, PluginEnvironment) throws(PluginError) -> Instance?
  ) throws(HostError) -> Instance {
    let (record, capability) = try load(kind: kind, name: selector)
    let instance: Instance?
    do throws(PluginError) {
      instance = try make(capability, PluginEnvironment(services: services, configurationJSON: configurationJSON))
    } catch {
      throw HostError(.instance, "\(record.title) made no instance: \(error.message)", cause: error)
    }
    guard let instance else { throw HostError(.wrongKind, "\(record.title) is a \(capability.kind), not a \(kind)") }
    didMakeInstance(record)
    return instance
  }
}
