public import CentramHost
public import CentramNode
public import CentramPluginAPI
internal import MergeOperators_Linear
internal import MergeOperators_LoraCat
internal import MergeOperators_LoraSVD
internal import Trainers_FullDelta
internal import Trainers_Lora

/// Plugins that are linked in, taken through the door that a host takes them through.
public enum Linked {
  private static func capability(_ descriptor: UnsafePointer<centram_descriptor_t>) -> Capability? {
    descriptor.pointee.get_interface("centram.swift/1").map { Unmanaged<PluginBox>.fromOpaque($0).takeRetainedValue().capability }
  }

  /// Finds `id` and `id@version`.
  @Sendable public static func mergeOperator(_ selector: String) throws(HostError) -> OperatorChoice.Chosen {
    let parts = selector.split(separator: "@")
    let descriptors = [
      MergeOperators_Linear.centramPluginDescriptor(), MergeOperators_LoraCat.centramPluginDescriptor(), MergeOperators_LoraSVD.centramPluginDescriptor(),
    ]
    for descriptor in descriptors where String(cString: descriptor.pointee.id) == parts[0] {
      let version = String(cString: descriptor.pointee.version)
      guard parts.count == 1 || parts[1] == version, case .mergeOperator(let make)? = capability(descriptor),
        let operation = try? make(PluginEnvironment(services: NoServices()))
      else { break }
      return OperatorChoice.Chosen(operation: operation, id: String(parts[0]), version: version)
    }
    throw HostError(.notFound, "no merge operator \(selector)")
  }

  @Sendable public static func operatorVersion(_ id: String) -> String? { try? mergeOperator(id).version }

  public static func trainer(_ id: String) -> any Trainer {
    for descriptor in [Trainers_FullDelta.centramPluginDescriptor(), Trainers_Lora.centramPluginDescriptor()] where String(cString: descriptor.pointee.id) == id {
      guard case .trainer(let make)? = capability(descriptor), let trainer = try? make(PluginEnvironment(services: NoServices())) else { break }
      return trainer
    }
    preconditionFailure("no trainer \(id)")
  }

  private struct NoServices: HostServices {
    func service(_ id: String) -> (any Sendable)? { nil }
    func log(_ level: LogLevel, _ message: String) {}
  }
}
