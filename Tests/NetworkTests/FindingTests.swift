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
}
