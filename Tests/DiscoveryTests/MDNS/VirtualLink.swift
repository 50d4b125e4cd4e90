@testable import CentramNode

/// A link in memory with a clock of its own: responders and browsers of several hosts, each packet heard by all. One turn is a millisecond at least.
struct VirtualLink {
  struct Host {
    var address: Endpoint
    var responder: MDNSResponder?
    var browser: MDNSBrowser?
    var events: [ServiceEvent] = []
  }

  var now: UInt64 = 1_000
  var hosts: [Host] = []
  /// Every packet, with when and by whom it was sent.
  var packets: [(at: UInt64, from: Int, packet: MDNSPacket)] = []
  /// Packets that get lost.
  var drops: (Int, MDNSPacket) -> Bool = { _, _ in false }

  static func instance(_ number: Int, addresses: [IPAddress]? = nil) -> @Sendable (String) -> ServiceInstance {
    let text = ServiceText(id: Seeds.key(number), transports: [ServiceText.Listener(scheme: "quic"), ServiceText.Listener(scheme: "tcp", port: 9750)])
    let own = addresses ?? [IPAddress("192.0.\(2 + (number + 1) / 256).\((number + 1) % 256)")!, IPAddress("fe80::\(number + 1)")!]
    return { ServiceInstance(label: $0, port: 9741, text: text, addresses: own) }
  }

  /// A host with both; - Returns: its number.
  mutating func add(responds: Bool = true, browses: Bool = true, seed: UInt64? = nil, make: (@Sendable (String) -> ServiceInstance)? = nil) -> Int {
    let number = hosts.count
    var random = RandomSource(SplitMix64(state: seed ?? UInt64(number) &* 77 &+ 5))
    var host = Host(address: Endpoint(IPAddress("192.0.2.\(number + 1)")!, MDNSPacket.port))
    if responds {
      host.responder = MDNSResponder(random: random.fork(), make: make ?? Self.instance(number))
      host.responder!.start(at: now)
    }
    if browses {
      host.browser = MDNSBrowser(random: random.fork(), zone: "eth0")
      host.browser!.start(at: now)
    }
    hosts.append(host)
    return number
  }

  mutating func deliver(_ packet: MDNSPacket, from sender: Int) {
    packets.append((now, sender, packet))
    if drops(sender, packet) { return }
    // Through the bytes, as on a real link.
    guard let message = try? DNSMessage(packet.message.encoded()) else { fatalError("a packet that nobody can read: \(packet)") }
    let source = sender < 0 ? Endpoint(IPAddress("192.0.2.200")!, MDNSPacket.port) : hosts[sender].address
    for index in hosts.indices {
      if case .host(let endpoint) = packet.destination, endpoint != hosts[index].address { continue }
      hosts[index].responder?.receive(message, from: source, at: now)
      hosts[index].browser?.receive(message, from: source, at: now)
    }
  }

  mutating func run(for milliseconds: UInt64) {
    let end = now + milliseconds
    while true {
      var sent: [(Int, MDNSPacket)] = []
      for index in hosts.indices {
        sent += (hosts[index].responder?.poll(at: now) ?? []).map { (index, $0) }
        if let (packets, events) = hosts[index].browser?.poll(at: now) {
          sent += packets.map { (index, $0) }
          hosts[index].events += events
        }
      }
      for (index, packet) in sent { deliver(packet, from: index) }
      let next = hosts.flatMap { [$0.responder?.deadline, $0.browser?.deadline].compactMap { $0 } }.min() ?? .max
      let time = max(next, now + 1)
      guard time <= end else { break }
      now = time
    }
    now = end
  }

  mutating func stop(_ index: Int) {
    for packet in hosts[index].responder?.stop() ?? [] { deliver(packet, from: index) }
    hosts[index].responder = nil
  }

  func found(by index: Int) -> Set<Int> {
    Set((hosts[index].browser?.services ?? []).compactMap { service in hosts.indices.first { Seeds.key($0) == service.id } })
  }
}
