public import CentramPluginAPI

/// Instances by kind. A selector is a full id (`merge.linear`) or a short name (`linear`), either with `@` and a version
/// range where it matters. The highest version in range is taken, and loaded if it is not yet.
///
/// Each throws a `HostError`; where the plugin itself refused its configuration, that is the error's `cause`.
extension PluginHost {
  public func mergeOperator(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any MergeOperator {
    try instance(.mergeOperator, selector, configurationJSON) { (capability, environment) throws(PluginError) in
      if case .mergeOperator(let make) = capability { try make(environment) } else { nil }
    }
  }

  public func gateLayer(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any GateLayer {
    try instance(.gateLayer, selector, configurationJSON) { (capability, environment) throws(PluginError) in
      if case .gateLayer(let make) = capability { try make(environment) } else { nil }
    }
  }

  public func transport(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any Transport {
    try instance(.transport, selector, configurationJSON) { (capability, environment) throws(PluginError) in
      if case .transport(let make) = capability { try make(environment) } else { nil }
    }
  }

  public func trainer(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any Trainer {
    try instance(.trainer, selector, configurationJSON) { (capability, environment) throws(PluginError) in
      if case .trainer(let make) = capability { try make(environment) } else { nil }
    }
  }

  public func economyRule(_ selector: String, configurationJSON: String = "{}") throws(HostError) -> any EconomyRule {
    try instance(.economyRule, selector, configurationJSON) { (capability, environment) throws(PluginError) in
      if case .economyRule(let make) = capability { try make(environment) } else { nil }
    }
  }

  /// Finds a plugin by id or short name, as in `PluginRegistry.resolve`.
  public func resolve(kind: PluginKind, name: String) throws(HostError) -> PluginRecord {
    try snapshot().resolve(kind: kind, name: name)
  }

  private func instance<Instance>(
    _ kind: PluginKind, _ selector: String, _ configurationJSON: String,
    _ make: (Capability, PluginEnvironment) throws(PluginError) -> Instance?
  ) throws(HostError) -> Instance {
    let (record, capability) = try load(kind: kind, name: selector)
    let instance: Instance?
    do throws(PluginError) {
      instance = try make(capability, PluginEnvironment(services: services, configurationJSON: configurationJSON))
    } catch {
      throw HostError(.init(.instance), "\(record.title) made no instance: \(error.message)", cause: error)
    }
    guard let instance else { throw HostError(.wrongKind, "\(record.title) is a \(capability.kind), not a \(kind)") }
    didMakeInstance(record)
    return instance
  }
}
