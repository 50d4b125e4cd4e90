public import CentramHost
public import CentramNode
public import CentramPluginAPI
internal import GateLayers_Admission
internal import GateLayers_Behaviour
internal import GateLayers_Consensus
internal import GateLayers_Fitness
internal import GateLayers_Format
internal import GateLayers_Freshness
internal import GateLayers_Lineage
internal import GateLayers_Norms
internal import GateLayers_Privacy
internal import GateLayers_Signature

/// The ten layers of every gate, taken through the door that a host takes them through.
public struct AllTen: GateLayerSource {
  private let services: any HostServices

  public init(services: any HostServices) { self.services = services }

  public var layerIds: [String] { GateSettings.standardLayers }

  public func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer {
    let descriptors = [
      GateLayers_Format.centramPluginDescriptor(), GateLayers_Signature.centramPluginDescriptor(), GateLayers_Freshness.centramPluginDescriptor(),
      GateLayers_Lineage.centramPluginDescriptor(), GateLayers_Admission.centramPluginDescriptor(), GateLayers_Norms.centramPluginDescriptor(),
      GateLayers_Privacy.centramPluginDescriptor(), GateLayers_Consensus.centramPluginDescriptor(), GateLayers_Fitness.centramPluginDescriptor(),
      GateLayers_Behaviour.centramPluginDescriptor(),
    ]
    for descriptor in descriptors where String(cString: descriptor.pointee.id) == id {
      guard let box = descriptor.pointee.get_interface("centram.swift/1"),
        case .gateLayer(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability, let layer = try? make(PluginEnvironment(services: services))
      else { break }
      return LoadedGateLayer(id: id, version: String(cString: descriptor.pointee.version), layer: layer)
    }
    throw GateError(.layer, "no layer \(id)")
  }
}
