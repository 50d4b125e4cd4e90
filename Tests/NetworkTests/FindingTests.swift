import Foundation
import TestNetwork
import Testing

/// Nodes that were told nothing of each other, on two hosts that the test makes.
@Suite(.serialized) struct FindingTests {
  private func find(_ arguments: [String], by way: String) throws {
    guard let hosts = Namespaces(2), hosts.join(0, "10.98.0.1/24", 1, "10.98.0.2/24") else {
      return print("this system lets nobody make network namespaces, so nothing was tried in any")
    }
    let a = try ServeProcess(prefix: hosts.command(0), ["--no-exchange"] + arguments), b = try ServeProcess(prefix: hosts.command(1), ["--no-exchange"] + arguments)
    #expect(a.wait(for: "\(b.id) is connected") != nil && b.wait(for: "\(a.id) is connected") != nil, "\(a.text)\n\(b.text)")
    let seen = try (a.peers() + b.peers())
    #expect(seen.contains { $0.isDialler && $0.reason == "found by \(way)" && $0.path == "direct" }, "\(seen)")
    #expect(a.interrupt() == 0 && b.interrupt() == 0)
  }

  @Test func nodesFindEachOtherByMulticastDNSAlone() throws { try find(["--no-beacon"], by: "mdns") }

  @Test func nodesFindEachOtherByTheBeaconAlone() throws { try find(["--no-mdns"], by: "beacon") }

  @Test func nodesThatLookForNobodyFindNobody() throws {
    guard let hosts = Namespaces(2), hosts.join(0, "10.98.0.1/24", 1, "10.98.0.2/24") else {
      return print("this system lets nobody make network namespaces, so nothing was tried in any")
    }
    let silent = ["--no-mdns", "--no-beacon"]
    let a = try ServeProcess(prefix: hosts.command(0), silent), b = try ServeProcess(prefix: hosts.command(1), silent + ["--peer", "quic://10.98.0.1:9741"])
    // Once one was told of the other it works, so that the network was not what kept them apart.
    #expect(a.wait(for: "\(b.id) is connected") != nil, "\(a.text)")
    #expect(try a.peers().allSatisfy { !$0.reason.hasPrefix("found by") })
    #expect(a.interrupt() == 0 && b.interrupt() == 0)
  }

  /// Two hosts that no link joins, and one in the middle that both can reach and that passes packets on.
  @Test(arguments: [[], ["--topic", "llamas"]]) func nodesFindEachOtherThroughAThird(arguments: [String]) throws {
    guard let hosts = Namespaces(3), hosts.join(0, "10.95.1.2/24", 1, "10.95.1.1/24"), hosts.join(2, "10.95.2.2/24", 1, "10.95.2.1/24"),
      hosts.ip(0, ["route", "add", "default", "via", "10.95.1.1"]), hosts.ip(2, ["route", "add", "default", "via", "10.95.2.1"]),
      try ServeProcess.run(hosts.command(1) + ["sysctl", "-qw", "net.ipv4.ip_forward=1"], home: NSTemporaryDirectory()).status == 0
    else { return print("this system lets nobody make network namespaces, so nothing was tried in any") }
    let quiet = ["--no-mdns", "--no-beacon"]
    let middle = try ServeProcess(prefix: hosts.command(1), quiet)
    let a = try ServeProcess(prefix: hosts.command(0), quiet + arguments + ["--peer", "quic://10.95.1.1:9741"])
    let b = try ServeProcess(prefix: hosts.command(2), quiet + arguments + ["--peer", "quic://10.95.2.1:9741"])
    #expect(a.wait(for: "\(b.id) is connected") != nil && b.wait(for: "\(a.id) is connected") != nil, "\(a.text)\n\(b.text)")
    let seen = try a.peers() + b.peers()
    #expect(seen.contains { $0.isDialler && $0.reason.hasPrefix("found by ") && $0.path == "direct" }, "\(seen)")
    for node in [a, b, middle] { #expect(node.interrupt() == 0) }
  }
}
