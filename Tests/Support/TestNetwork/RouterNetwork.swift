internal import Foundation

/// Two hosts, each behind a router of its own, and two hosts in the open, in network namespaces that go with this value:
///
///     a 10.1.0.2 - routerA 100.1.1.2 \                / relay 198.51.100.2
///                                      middle (routes)
///     b 10.2.0.2 - routerB 100.2.1.2 /                \ other 203.0.113.2
public final class RouterNetwork {
  /// How a router gives ports. Both kinds let in only what answers something that went out, from the same address and port.
  public enum Kind: String, Sendable {
    /// The inner port for every destination (RFC 4787: endpoint-independent mapping, address and port-dependent filtering).
    case portRestricted = "masquerade"
    /// A random port for each destination.
    case symmetric = "masquerade fully-random"
  }

  public enum Host: String, CaseIterable, Sendable { case a, b, relay, other, routerA, routerB, middle }

  /// Whether this system lets a test make namespaces and rules in them.
  public static let areAllowed: Bool = {
    guard getuid() == 0, path(of: "ip") != nil, path(of: "nft") != nil else { return false }
    return RouterNetwork(.portRestricted, .portRestricted).isWhole
  }()

  private let id = UInt32.random(in: 0...0xFFFFFF)
  private var isWhole = true

  public init(_ first: Kind, _ second: Kind) {
    for host in Host.allCases {
      ip(["netns", "add", name(host)])
      ip(["-n", name(host), "link", "set", "lo", "up"])
    }
    for (index, cable) in [
      (Host.a, "10.1.0.2", Host.routerA, "10.1.0.1"), (.b, "10.2.0.2", .routerB, "10.2.0.1"), (.routerA, "100.1.1.2", .middle, "100.1.1.1"),
      (.routerB, "100.2.1.2", .middle, "100.2.1.1"), (.relay, "198.51.100.2", .middle, "198.51.100.1"), (.other, "203.0.113.2", .middle, "203.0.113.1"),
    ].enumerated() {
      // The outer end's name tells a router's two sides apart.
      let names = [cable.0 == .routerA || cable.0 == .routerB ? "out" : "e0", cable.2 == .middle ? "m\(index)" : "in"]
      let temporary = ["x\(id)\(index)", "y\(id)\(index)"].map { String($0.prefix(15)) }
      ip(["link", "add", temporary[0], "netns", name(cable.0), "type", "veth", "peer", "name", temporary[1], "netns", name(cable.2)])
      for (end, (host, address)) in [(cable.0, cable.1), (cable.2, cable.3)].enumerated() {
        ip(["-n", name(host), "link", "set", temporary[end], "name", names[end]])
        ip(["-n", name(host), "addr", "add", address + "/24", "dev", names[end]])
        ip(["-n", name(host), "link", "set", names[end], "up"])
      }
      ip(["-n", name(cable.0), "route", "add", "default", "via", cable.3])
    }
    for host in [Host.routerA, .routerB, .middle] { inside(host, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]) }
    for (host, kind) in [(Host.routerA, first), (.routerB, second)] {
      // What nobody asked for is dropped without a word and without a trace, as routers at home do.
      inside(
        host,
        [
          "nft",
          """
          table ip t {
            chain leaving { type nat hook postrouting priority 100; oifname "out" \(kind.rawValue); }
            chain arriving { type filter hook input priority 0; policy drop; ct state established,related accept; }
            chain passing { type filter hook forward priority 0; policy drop; iifname "in" accept; ct state established,related accept; }
          }
          """,
        ])
    }
  }

  deinit { for host in Host.allCases { ip(["netns", "del", name(host)]) } }

  /// What to put before a command so that it runs on a host.
  public func command(_ host: Host) -> [String] { [Self.path(of: "ip") ?? "/sbin/ip", "netns", "exec", name(host)] }

  private func name(_ host: Host) -> String { "centram-\(id)-\(host.rawValue)" }
  private func inside(_ host: Host, _ command: [String]) { ip(["netns", "exec", name(host)] + command) }

  private func ip(_ arguments: [String]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.path(of: "ip") ?? "/sbin/ip")
    process.arguments = arguments
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    guard (try? process.run()) != nil else { return isWhole = false }
    process.waitUntilExit()
    if process.terminationStatus != 0 { isWhole = false }
  }

  private static func path(of program: String) -> String? {
    ["/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/"].map { $0 + program }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
