public import CentramHost
public import CentramNode
public import CentramPluginAPI

/// The first five layers.
public struct FirstFive: GateLayerSource {
  public static let ids = Array(GateSettings.standardLayers.prefix(5))
  private let layers: AllTen

  public init(services: any HostServices) { layers = AllTen(services: services) }

  public var layerIds: [String] { Self.ids }

  public func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer {
    guard Self.ids.contains(id) else { throw GateError(.layer, "no layer \(id)") }
    return try layers.layer(id, in: range)
  }
}
