import CentramPluginAPI
import CentramPluginTesting
import Testing

@testable import Transport_Quic

@Suite(.timeLimit(.minutes(3))) struct QuicConformanceTests {
  /// What a host gets through the plugin's door.
  private func factory() throws -> TransportConformance.Factory {
    let descriptor = centramPluginDescriptor().pointee
    #expect(String(cString: descriptor.id) == "transport.quic")
    let interface = try #require("centram.swift/1".withCString { descriptor.get_interface($0) })
    guard case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(interface).takeRetainedValue().capability else {
      throw PluginError(.invalid, "not a transport")
    }
    return make
  }

  @Test(arguments: ["quic://127.0.0.1:0", "quic://[::1]:0"]) func doesWhatATransportPromises(address: String) async throws {
    let results = await TransportConformance(listenOn: address, make: try factory()).run()
    #expect(results.count == TransportConformance.checkNames.count)
    for result in results { #expect(result.outcome == .passed, "\(result)") }
  }
}
