import CentramPluginAPI
import MergeOperators_ArceeFusion
import MergeOperators_Breadcrumbs
import MergeOperators_BreadcrumbsTies
import MergeOperators_DareLinear
import MergeOperators_DareTies
import MergeOperators_Della
import MergeOperators_DellaLinear
import MergeOperators_Karcher
import MergeOperators_Linear
import MergeOperators_ModelStock
import MergeOperators_MultiSlerp
import MergeOperators_NearSwap
import MergeOperators_NuSlerp
import MergeOperators_Passthrough
import MergeOperators_Ram
import MergeOperators_RamPlusTl
import MergeOperators_Sce
import MergeOperators_Slerp
import MergeOperators_TaskArithmetic
import MergeOperators_Ties

/// All dense operators by the names of their methods, taken through the door that a host takes them through.
let operators: [String: any TensorMerging] = Dictionary(
  uniqueKeysWithValues: descriptors.map { (String(String(cString: $0.pointee.id).dropFirst("merge.".count)), instance($0)) })

nonisolated(unsafe) private let descriptors: [UnsafePointer<centram_descriptor_t>] = [
  MergeOperators_ArceeFusion.centramPluginDescriptor(),
  MergeOperators_Breadcrumbs.centramPluginDescriptor(),
  MergeOperators_BreadcrumbsTies.centramPluginDescriptor(),
  MergeOperators_DareLinear.centramPluginDescriptor(),
  MergeOperators_DareTies.centramPluginDescriptor(),
  MergeOperators_Della.centramPluginDescriptor(),
  MergeOperators_DellaLinear.centramPluginDescriptor(),
  MergeOperators_Karcher.centramPluginDescriptor(),
  MergeOperators_Linear.centramPluginDescriptor(),
  MergeOperators_ModelStock.centramPluginDescriptor(),
  MergeOperators_MultiSlerp.centramPluginDescriptor(),
  MergeOperators_NearSwap.centramPluginDescriptor(),
  MergeOperators_NuSlerp.centramPluginDescriptor(),
  MergeOperators_Passthrough.centramPluginDescriptor(),
  MergeOperators_Ram.centramPluginDescriptor(),
  MergeOperators_RamPlusTl.centramPluginDescriptor(),
  MergeOperators_Sce.centramPluginDescriptor(),
  MergeOperators_Slerp.centramPluginDescriptor(),
  MergeOperators_TaskArithmetic.centramPluginDescriptor(),
  MergeOperators_Ties.centramPluginDescriptor(),
]

private func instance(_ descriptor: UnsafePointer<centram_descriptor_t>) -> any TensorMerging {
  struct NoServices: HostServices {
    func service(_ id: String) -> (any Sendable)? { nil }
    func log(_ level: LogLevel, _ message: String) {}
  }
  guard let box = descriptor.pointee.get_interface("centram.swift/1"),
    case .mergeOperator(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability,
    let operation = try? make(PluginEnvironment(services: NoServices())) as? any TensorMerging
  else { preconditionFailure("not a dense merge operator: \(String(cString: descriptor.pointee.id))") }
  return operation
}
