public import CentramHost
public import CentramPluginAPI

/// Where a gate's layers come from.
public protocol GateLayerSource: Sendable {
  /// Ids of all gate layers that are there.
  var layerIds: [String] { get }
  /// The highest version in range, ready to judge.
  func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer
}

public struct LoadedGateLayer: Sendable {
  public let id: String
  public let version: String
  public let layer: any GateLayer
  public init(id: String, version: String, layer: any GateLayer) { (self.id, self.version, self.layer) = (id, version, layer) }
}

/// The plugins that are installed.
extension PluginHost: GateLayerSource {
  public var layerIds: [String] { Set(snapshot().records.filter { $0.kind == .gateLayer && $0.version != nil && !$0.isDisabled }.map(\.id)).sorted() }

  public func layer(_ id: String, in range: VersionRange) throws(GateError) -> LoadedGateLayer {
    do throws(HostError) {
      // A version that is refused when it is loaded is passed over, so the record that was taken is known only then.
      let layer = try gateLayer("\(id)@\(range)")
      let record = try resolve(kind: .gateLayer, name: "\(id)@\(range)")
      return LoadedGateLayer(id: id, version: record.version?.description ?? "", layer: layer)
    } catch { throw GateError(.layer, error.message) }
  }
}
