import Foundation
import TestNetwork
import Testing

/// Two hosts that the test makes, with a cable between them.
@Suite(.serialized) struct NamespaceTests {
  /// Silence is noticed within seconds.
  private static let configuration = #"{"network": {"limits": {"keepAliveMilliseconds": 500, "silenceMilliseconds": 3000}}, "discovery": {"mdns": false, "beacon": false}}"#

  private func hosts() -> Namespaces? {
    guard let hosts = Namespaces(2), hosts.join(0, "10.97.0.1/24", 1, "10.97.0.2/24") else {
      print("this system lets nobody make network namespaces, so nothing was tried in any")
      return nil
    }
    return hosts
  }

  private func start(_ hosts: Namespaces) throws -> (ServeProcess, ServeProcess) {
    let a = try ServeProcess(prefix: hosts.command(0), configuration: Self.configuration, ["--listen", "quic://10.97.0.1:9741"])
    let b = try ServeProcess(prefix: hosts.command(1), configuration: Self.configuration, ["--listen", "quic://0.0.0.0:9741", "--peer", "quic://10.97.0.1:9741"])
    #expect(a.wait(for: "\(b.id) is connected") != nil && b.wait(for: "\(a.id) is connected") != nil, "\(a.text)\n\(b.text)")
    return (a, b)
  }

  @Test func nodesOutliveAPartition() throws {
    guard let hosts = hosts() else { return }
    let (a, b) = try start(hosts)
    let marks = (a.mark, b.mark)
    hosts.ip(0, ["link", "set", hosts.end(of: 0, to: 1), "down"])
    #expect(b.wait(for: "\(a.id) is gone", after: marks.1) != nil, "\(b.text)")
    #expect(try b.peers().map(\.state) == ["suspended"])
    hosts.ip(0, ["link", "set", hosts.end(of: 0, to: 1), "up"])
    #expect(b.wait(for: "\(a.id) is connected over quic, its session goes on", after: marks.1) != nil, "\(b.text)")
    #expect(a.wait(for: "\(b.id) is connected over quic, its session goes on", after: marks.0) != nil, "\(a.text)")
    #expect(a.interrupt() == 0 && b.interrupt() == 0)
  }

  @Test func nodesOutliveAChangeOfAddress() throws {
    guard let hosts = hosts() else { return }
    let (a, b) = try start(hosts)
    let end = hosts.end(of: 1, to: 0)
    hosts.ip(1, ["addr", "add", "10.97.0.77/24", "dev", end])
    hosts.ip(1, ["addr", "del", "10.97.0.2/24", "dev", end])
    hosts.ip(1, ["addr", "add", "10.97.0.77/24", "dev", end])
    // Whether the transport moves the connection or the node makes another: bytes go on, which the peers' counters show.
    let before = try a.peers().first?.bytesReceived ?? 0
    var now = before
    for _ in 0..<400 where now <= before {
      now = try a.peers().first { $0.state == "connected" }?.bytesReceived ?? 0
    }
    #expect(now > before, "\(a.text)\n\(b.text)")
    #expect(a.interrupt() == 0 && b.interrupt() == 0)
  }
}
