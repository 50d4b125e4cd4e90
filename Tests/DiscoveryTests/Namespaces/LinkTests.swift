import CentramNode
import CentramWire
import Foundation
import Testing

/// Real sockets between two hosts that a test made. Each host knows nothing of the other.
@Suite(.enabled(if: TwoHosts.areAllowed, "needs root and iproute2, to make network namespaces"), .serialized) struct LinkTests {
  static let python = ProcessInfo.processInfo.environment["CENTRAM_TEST_PYTHON"]

  /// Beside the tests' own bundle.
  private static func fixturePath() throws -> String {
    let folders = (CommandLine.arguments.filter { $0.contains(".xctest") } + [(try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""])
      .map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    for folder in folders {
      let path = folder.appendingPathComponent("centram-discovery-fixture").path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw DiscoveryError(.storage, "centram-discovery-fixture is not built; swift build --build-tests makes it")
  }

  private func key(_ seed: UInt8) throws -> String { try SigningKey(seed: [UInt8](repeating: seed, count: 32)).publicKey.description }

  @Test func twoHostsFindEachOtherByMulticastDNSAloneAndSayGoodbye() throws {
    let hosts = try TwoHosts(), fixture = try Self.fixturePath()
    let a = try hosts.start(0, fixture, ["mdns", "1", "9741"]), b = try hosts.start(1, fixture, ["mdns", "2", "9741"])
    let (idA, idB) = (try key(1), try key(2))
    let found = try #require(a.line(within: 20) { $0.hasPrefix("found \(idB)") }, "\(a.lines)")
    #expect(b.line(within: 20) { $0.hasPrefix("found \(idA)") } != nil, "\(b.lines)")
    // IPv4 and IPv6, QUIC on the SRV record's port and TCP on its own.
    let all = found + (a.line(within: 2) { $0.hasPrefix("changed \(idB)") } ?? "")
    for address in ["quic://10.77.0.2:9741", "tcp://10.77.0.2:9750", "quic://[fd77::2]:9741"] { #expect(all.contains(address), "\(a.lines)") }
    b.endInput()
    #expect(a.line(within: 10) { $0.hasPrefix("lost \(idB)") } != nil, "\(a.lines)")
    #expect(b.line(within: 10) { $0 == "ended" } != nil)
  }

  @Test func twoHostsFindEachOtherByTheBeaconAlone() throws {
    let hosts = try TwoHosts(), fixture = try Self.fixturePath()
    // Ports of namespaces are nobody else's.
    let a = try hosts.start(0, fixture, ["beacon", "1", "9741", "9743"]), b = try hosts.start(1, fixture, ["beacon", "2", "9741", "9743"])
    let (idA, idB) = (try key(1), try key(2))
    #expect(try #require(a.line(within: 20) { $0.hasPrefix("found \(idB)") }, "\(a.lines)").contains("quic://10.77.0.2:9741"))
    #expect(try #require(b.line(within: 20) { $0.hasPrefix("found \(idA)") }, "\(b.lines)").contains("quic://10.77.0.1:9741"))
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with zeroconf")) func zeroconfSeesUsAndOurGoodbye() throws {
    let hosts = try TwoHosts()
    let ours = try hosts.start(0, try Self.fixturePath(), ["mdns", "1", "9741"])
    let theirs = try hosts.start(1, Self.python!, ["-c", ZeroconfScript.browse, TwoHosts.addresses[1]])
    let line = try #require(theirs.line(within: 30) { $0.hasPrefix("found") }, "\(theirs.lines)")
    for part in ["'10.77.0.1'", "9741", "'id': '\(try key(1))'", "'v': '1'", "'t': 'quic,tcp:9750'"] { #expect(line.contains(part), "\(line)") }
    ours.endInput()
    #expect(theirs.line(within: 20) { $0.hasPrefix("removed") } != nil, "\(theirs.lines)")
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with zeroconf")) func weSeeZeroconfAndItsGoodbye() throws {
    let hosts = try TwoHosts(), id = String(repeating: "ab", count: 32)
    let ours = try hosts.start(0, try Self.fixturePath(), ["mdns", "1", "9741"])
    let theirs = try hosts.start(1, Self.python!, ["-c", ZeroconfScript.serve, TwoHosts.addresses[1], id])
    let line = try #require(ours.line(within: 30) { $0.hasPrefix("found \(id)") }, "\(ours.lines)")
    #expect(line.contains("quic://10.77.0.2:9999"), "\(line)")
    theirs.endInput()
    #expect(ours.line(within: 20) { $0.hasPrefix("lost \(id)") } != nil, "\(ours.lines)")
  }

  @Test(.enabled(if: python != nil, "set CENTRAM_TEST_PYTHON to a Python with zeroconf")) func weSeeZeroconfThatWasThereBefore() throws {
    let hosts = try TwoHosts(), id = String(repeating: "cd", count: 32)
    let theirs = try hosts.start(1, Self.python!, ["-c", ZeroconfScript.serve, TwoHosts.addresses[1], id])
    #expect(theirs.line(within: 30) { $0 == "serving" } != nil, "\(theirs.lines)")
    let ours = try hosts.start(0, try Self.fixturePath(), ["mdns", "1", "9741"])
    #expect(ours.line(within: 30) { $0.hasPrefix("found \(id)") } != nil, "\(ours.lines)")
  }
}

/// The other implementation: python-zeroconf.
enum ZeroconfScript {
  static let browse = """
    import sys
    from zeroconf import Zeroconf, ServiceBrowser, IPVersion
    class Listener:
        def add_service(self, z, t, n):
            i = z.get_service_info(t, n, 5000)
            print("found", n, i and (i.parsed_addresses(), i.port, {k.decode(): (v or b"").decode() for k, v in i.properties.items()}), flush=True)
        def update_service(self, *a): pass
        def remove_service(self, z, t, n): print("removed", n, flush=True)
    z = Zeroconf(interfaces=[sys.argv[1]], ip_version=IPVersion.V4Only)
    b = ServiceBrowser(z, "_centram._udp.local.", Listener())
    sys.stdin.read()
    z.close()
    """
  static let serve = """
    import sys, socket
    from zeroconf import Zeroconf, ServiceInfo, IPVersion
    z = Zeroconf(interfaces=[sys.argv[1]], ip_version=IPVersion.V4Only)
    i = ServiceInfo("_centram._udp.local.", "other._centram._udp.local.", addresses=[socket.inet_aton(sys.argv[1])], port=9999,
                    properties={"v": "1", "id": sys.argv[2], "t": "quic"}, server="other.local.")
    z.register_service(i)
    print("serving", flush=True)
    sys.stdin.read()
    z.unregister_service(i)
    z.close()
    """
}
