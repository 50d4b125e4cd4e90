internal import CentramPluginAPI

/// placeholder until the lane is written
public struct FunctionTable: Sendable {
  var symbols: [String] { [] }
  init(from fields: KeyedDecodingContainer<JSONKey>, kind: PluginKind) throws {}
  func capability(kind: PluginKind, library: UnsafeMutableRawPointer) throws(HostError) -> Capability {
    throw HostError(.init(.interface), "this host has no function-table lane yet")
  }
}
