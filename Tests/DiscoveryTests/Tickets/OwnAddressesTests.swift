import CentramNode
import Testing

@Suite struct OwnAddressesTests {
  private let interfaces = [
    NetworkInterface(name: "lo", index: 1, isLoopback: true, addresses: [.init(ip: IPAddress("127.0.0.1")!, prefixLength: 8)]),
    NetworkInterface(
      name: "eth0", index: 2,
      addresses: [
        .init(ip: IPAddress("192.168.1.5")!, prefixLength: 24), .init(ip: IPAddress("2001:db8::5")!, prefixLength: 64), .init(ip: IPAddress("fe80::5%eth0")!, prefixLength: 64),
      ]),
    NetworkInterface(name: "off", index: 3, isUp: false, addresses: [.init(ip: IPAddress("10.0.0.1")!, prefixLength: 8)]),
  ]

  private func own(_ listening: String..., from reach: IPAddress.Reach = .site) -> [String] {
    OwnAddresses.expand(listening, over: interfaces, from: reach).map(\.description)
  }

  @Test func everywhereIsSpelledOutFarthestFirst() {
    #expect(own("quic://[::]:9741", "quic://0.0.0.0:9741") == ["quic://[2001:db8::5]:9741", "quic://192.168.1.5:9741"])
    #expect(own("quic://[::]:9741", from: .link) == ["quic://[2001:db8::5]:9741", "quic://[fe80::5%eth0]:9741"])
  }

  /// A QUIC listener on [::] was announced with IPv4 addresses at which nobody answers.
  @Test func quicOnAllOfIPv6NamesNoIPv4() {
    #expect(own("quic://[::]:9741") == ["quic://[2001:db8::5]:9741"])
    #expect(own("tcp://[::]:9741") == ["tcp://[2001:db8::5]:9741", "tcp://192.168.1.5:9741"])
  }

  @Test func oneAddressIsItselfAndLoopbackIsNotTold() {
    #expect(own("quic://192.168.1.5:1", "quic://127.0.0.1:2", "nonsense") == ["quic://192.168.1.5:1"])
  }
}
