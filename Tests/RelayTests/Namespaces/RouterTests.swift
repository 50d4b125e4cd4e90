import CentramWire
import Foundation
import TestNetwork
import Testing

@testable import CentramNode

/// Nodes over QUIC behind routers that the test made.
@Suite(.enabled(if: RouterNetwork.areAllowed, "needs root, iproute2 and nftables, to make network namespaces with routers"), .serialized) struct RouterTests {
  /// Beside the tests' own bundle.
  private static func fixturePath() throws -> String {
    let folders = (CommandLine.arguments.filter { $0.contains(".xctest") } + [(try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""])
      .map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    for folder in folders {
      let path = folder.appendingPathComponent("centram-relay-fixture").path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw RelayError(.disconnected, "centram-relay-fixture is not built; swift build --build-tests makes it")
  }

  private static func id(_ seed: UInt8) -> String { (try? SigningKey(seed: [UInt8](repeating: seed, count: 32)).publicKey.description) ?? "" }

  private struct Hosts {
    let network: RouterNetwork
    let relay: RoutedProcess, other: RoutedProcess, a: RoutedProcess, b: RoutedProcess
    var log: String { [a, b].map { $0.lines.joined(separator: "\n") }.joined(separator: "\n--\n") }
  }

  /// Seeds: relay 1, the other one 2, a 3, b 4. b reaches a.
  private func start(_ first: RouterNetwork.Kind, _ second: RouterNetwork.Kind) throws -> Hosts {
    let network = RouterNetwork(first, second), fixture = try Self.fixturePath()
    let relays = "1=quic://198.51.100.2:9741,2=quic://203.0.113.2:9741", listen = "quic://0.0.0.0:9741"
    let relay = try network.start(.relay, fixture, ["relay", "1", listen]), other = try network.start(.other, fixture, ["relay", "2", listen])
    let a = try network.start(.a, fixture, ["listen", "3", listen, relays])
    #expect(a.line(within: 30) { $0.contains("reachable at relay://") } != nil, "\(a.lines)")
    let b = try network.start(.b, fixture, ["reach", "4", listen, relays, "3", "quic://100.1.1.2:9741"])
    return Hosts(network: network, relay: relay, other: other, a: a, b: b)
  }

  @Test func theRelayWorksBehindTwoSymmetricRoutersAndTheReasonIsShown() throws {
    let hosts = try start(.symmetric, .symmetric), (idA, idB) = (Self.id(3), Self.id(4))
    let line = try #require(hosts.b.line(within: 40) { $0.hasPrefix("peer \(idA) connected relay") }, "\(hosts.log)")
    #expect(line.contains("symmetric NAT") && line.contains("quic://100.1.1.2:9741"), "\(line)")
    #expect(hosts.a.line(within: 10) { $0.hasPrefix("peer \(idB) connected relay") } != nil, "\(hosts.log)")
    #expect(hosts.b.lines.contains { $0.contains("mapping endpointDependent addresses []") }, "\(hosts.log)")
    // Nothing leads back, so there is nothing to punch with, and the relay stays.
    hosts.a.tell("punch 4")
    #expect(hosts.a.line(within: 20) { $0 == "punched false no peer told this node its address" } != nil, "\(hosts.log)")
  }

  @Test func punchingGetsThroughTwoPortRestrictedRouters() throws {
    let hosts = try start(.portRestricted, .portRestricted), (idA, idB) = (Self.id(3), Self.id(4))
    let line = try #require(hosts.b.line(within: 40) { $0.hasPrefix("peer \(idA) connected relay") }, "\(hosts.log)")
    #expect(line.contains("nobody answered at the direct addresses"), "\(line)")
    #expect(hosts.a.line(within: 20) { $0.contains("addresses [\"quic://100.1.1.2:9741\"]") } != nil, "\(hosts.log)")
    hosts.a.tell("punch 4")
    #expect(hosts.a.line(within: 30) { $0.hasPrefix("punched true") } != nil, "\(hosts.log)")
    #expect(hosts.a.line(within: 20) { $0.hasPrefix("peer \(idB) connected direct") } != nil, "\(hosts.log)")
    #expect(hosts.b.line(within: 20) { $0.hasPrefix("peer \(idA) connected direct") } != nil, "\(hosts.log)")
  }
}
