import CentramNode
import Testing

@Suite struct PeerAddressTests {
  @Test(arguments: [
    "quic://192.0.2.7:9741", "tcp://[2001:db8::1]:9741", "quic://[fe80::1%eth0]:9741", "memory://name", "http://proxy.example:8080/path/x?y", "nats://n.example:4222/subject",
  ]) func comesBackFromItsText(text: String) throws {
    #expect(try PeerAddress(text).description == text)
  }

  @Test(arguments: [
    "", "192.0.2.7:9741", "://x:1", "quic://", "quic://:1", "quic://h:0", "quic://h:65536", "quic://h:01", "quic://h:x", "quic://[::1", "quic://[::1]1", "quic://[1.2.3.4]:1",
    "quic://[::g]:1", "quic://a b:1", "quic://h\u{0}:1", "QU IC://h:1", "quic://-h:1", "quic://a..b:1", "quic://[fe80::1%]:1", "quic://ä:1",
  ]) func refuses(text: String) { #expect(throws: DiscoveryError.self) { try PeerAddress(text) } }

  @Test func lengthIsLimited() throws {
    let host = String(repeating: "a", count: 250)
    #expect(try PeerAddress("t://" + host + "/").description.utf8.count == 255)
    #expect(throws: DiscoveryError.self) { try PeerAddress("t://" + host + "/x") }
  }

  @Test func reachIsKnown() {
    let cases: [(String, IPAddress.Reach)] = [
      ("0.0.0.0", .none), ("127.0.0.1", .loopback), ("169.254.1.1", .link), ("10.1.2.3", .site), ("172.31.0.1", .site), ("172.32.0.1", .world), ("192.168.0.1", .site),
      ("100.64.0.1", .site), ("8.8.8.8", .world), ("224.0.0.1", .none), ("255.255.255.255", .none), ("::", .none), ("::1", .loopback), ("fe80::1", .link), ("fd00::1", .site),
      ("2001:db8::1", .world), ("ff02::fb", .none), ("::ffff:10.0.0.1", .site),
    ]
    for (text, reach) in cases { #expect(IPAddress(text)?.reach == reach, "\(text)") }
  }

  @Test func networksAreThe24AndThe64() {
    func prefix(_ text: String) -> NetworkPrefix { NetworkPrefix(IPAddress(text)!) }
    #expect(prefix("192.0.2.1") == prefix("192.0.2.254") && prefix("192.0.2.1") != prefix("192.0.3.1"))
    #expect(prefix("2001:db8:1:2::1") == prefix("2001:db8:1:2:ffff::1") && prefix("2001:db8:1:2::1") != prefix("2001:db8:1:3::1"))
    #expect(prefix("2001:db8:1:2::1").wider == prefix("2001:db8:1:3::1").wider)
    #expect(IPAddress("10.1.2.3")!.sharesPrefix(20, with: IPAddress("10.1.15.9")!) && !IPAddress("10.1.2.3")!.sharesPrefix(21, with: IPAddress("10.1.15.9")!))
  }
}
