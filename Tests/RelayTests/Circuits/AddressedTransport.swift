import CentramPluginAPI
import CentramWire

@testable import CentramNode

/// A simulated transport with addresses in numbers, so that peers have somewhere to be seen: node N is at 198.51.N.1. Calls itself QUIC.
struct AddressedTransport: Transport {
  let base: any Transport
  /// Whether dials arrive.
  var isOpen: @Sendable () -> Bool = { true }

  static func place(_ number: Int, port: Int = 9741) -> String { "quic://198.51.\(number).1:\(port)" }

  var info: TransportInfo { TransportInfo(scheme: "quic", features: base.info.features) }

  func listen(on address: String) async throws(PluginError) -> any TransportListener { Listener(base: try await base.listen(on: address), address: address) }

  func dial(_ address: String, expecting expected: PeerID?) async throws(PluginError) -> any TransportConnection {
    guard isOpen() else { throw PluginError(.unavailable, "nobody answered at \(address)") }
    let number = Int(address.split(separator: ".")[2]) ?? 0
    return Connection(base: try await base.dial(RelayWorld.address(number), expecting: expected))
  }

  private struct Listener: TransportListener {
    let base: any TransportListener
    let address: String
    func accept() async throws(PluginError) -> any TransportConnection { Connection(base: try await base.accept()) }
    func close() async { await base.close() }
  }

  private struct Connection: TransportConnection, CustomStringConvertible {
    let base: any TransportConnection
    var peer: PeerID { base.peer }
    var description: String { AddressedTransport.place((0..<16).first { RelayWorld.key($0).bytes == base.peer.bytes } ?? 0) }
    var channelBinding: [UInt8] { base.channelBinding }
    func openStream() async throws(PluginError) -> any TransportStream { try await base.openStream() }
    func acceptStream() async throws(PluginError) -> any TransportStream { try await base.acceptStream() }
    func close(code: UInt64, reason: String) async { await base.close(code: code, reason: reason) }
  }
}
