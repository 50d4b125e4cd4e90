package import CentramPluginAPI

extension Capability {
  /// An instance, or nil where the capability is another one. Without a dynamic cast, which after each library that was
  /// loaded costs a search through all conformances in the process.
  package func mergeOperator(_ environment: PluginEnvironment) throws(PluginError) -> (any MergeOperator)? {
    if case .mergeOperator(let make) = self { try make(environment) } else { nil }
  }

  package func gateLayer(_ environment: PluginEnvironment) throws(PluginError) -> (any GateLayer)? {
    if case .gateLayer(let make) = self { try make(environment) } else { nil }
  }

  package func trainer(_ environment: PluginEnvironment) throws(PluginError) -> (any Trainer)? {
    if case .trainer(let make) = self { try make(environment) } else { nil }
  }

  package func transport(_ environment: PluginEnvironment) throws(PluginError) -> (any Transport)? {
    if case .transport(let make) = self { try make(environment) } else { nil }
  }

  package func economyRule(_ environment: PluginEnvironment) throws(PluginError) -> (any EconomyRule)? {
    if case .economyRule(let make) = self { try make(environment) } else { nil }
  }

  /// An instance, whatever it is.
  package func make(_ environment: PluginEnvironment) throws(PluginError) -> any Sendable {
    switch self {
    case .transport(let make): try make(environment)
    case .mergeOperator(let make): try make(environment)
    case .gateLayer(let make): try make(environment)
    case .trainer(let make): try make(environment)
    case .economyRule(let make): try make(environment)
    @unknown default: throw PluginError(.unsupported, "this host makes no instances of the kind \(kind)")
    }
  }

  /// The same capability, made with another environment.
  package func wrapping(_ change: @escaping @Sendable (PluginEnvironment) -> PluginEnvironment) -> Capability {
    switch self {
    case .transport(let make): .transport { (it) throws(PluginError) in try make(change(it)) }
    case .mergeOperator(let make): .mergeOperator { (it) throws(PluginError) in try make(change(it)) }
    case .gateLayer(let make): .gateLayer { (it) throws(PluginError) in try make(change(it)) }
    case .trainer(let make): .trainer { (it) throws(PluginError) in try make(change(it)) }
    case .economyRule(let make): .economyRule { (it) throws(PluginError) in try make(change(it)) }
    @unknown default: self
    }
  }
}
