internal import CentramPluginAPI

/// Multicast DNS on one interface, over IPv4 and IPv6: drives the responder and the browser with real datagrams.
final class MDNSLink: Sendable {
  let interface: NetworkInterface
  private let loop = DiscoveryLoop()
  private let clock: any ClockService
  private let random: RandomSource
  private let make: @Sendable (String) -> ServiceInstance
  private let report: @Sendable (ServiceEvent) -> Void
  private let sockets: [any DatagramSocket]
  private let groups: [Endpoint]

  /// - Parameter text: nil: looks for others and says nothing of this node.
  /// - Throws: `.network` where no socket could be opened.
  init(
    interface: NetworkInterface, network: any LocalNetwork, clock: any ClockService, random: RandomSource, port: UInt16, text: ServiceText,
    report: @escaping @Sendable (ServiceEvent) -> Void
  ) throws(DiscoveryError) {
    (self.interface, self.clock, self.random, self.report) = (interface, clock, random, report)
    let addresses = interface.addresses.map(\.ip.withoutZone).filter { $0.reach > .loopback }
    make = { ServiceInstance(label: $0, port: port, text: text, addresses: addresses) }
    var sockets: [any DatagramSocket] = [], groups: [Endpoint] = [], failure: DiscoveryError?
    for ipv4 in [true, false] where interface.addresses.contains(where: { $0.ip.isIPv4 == ipv4 }) {
      do throws(DiscoveryError) {
        let loop = self.loop
        sockets.append(try network.multicast(on: interface, ipv4: ipv4) { loop.receive($0) })
        groups.append(Endpoint(ipv4 ? MDNSPacket.groupV4 : MDNSPacket.groupV6, MDNSPacket.port))
      } catch { failure = error }
    }
    (self.sockets, self.groups) = (sockets, groups)
    if sockets.isEmpty { throw failure ?? DiscoveryError(.network, "\(interface.name) has no address") }
  }

  /// Ends `run`, with a goodbye.
  func stop() { loop.finish() }

  /// Returns when it is stopped or cancelled; then it has said goodbye, and every service it told of is lost.
  func run() async {
    var seeds = random
    var responder = MDNSResponder(random: seeds.fork(), make: make)
    var browser = MDNSBrowser(random: seeds.fork(), zone: interface.name)
    responder.start(at: now)
    browser.start(at: now)
    loop.arm(in: 0)
    for await event in loop.events {
      let time = now
      if case .datagram(let datagram) = event, interface.isOnLink(datagram.source.address), let message = try? DNSMessage(datagram.bytes) {
        responder.receive(message, from: datagram.source, at: time)
        browser.receive(message, from: datagram.source, at: time)
      }
      for packet in responder.poll(at: time) { send(packet) }
      let (packets, events) = browser.poll(at: time)
      for packet in packets { send(packet) }
      for event in events { report(event) }
      loop.arm(in: [responder.deadline, browser.deadline].compactMap { $0 }.min().map { $0 > time ? $0 - time : 0 })
    }
    for packet in responder.stop() { send(packet) }
    for service in browser.services { report(.lost(service)) }
    for socket in sockets { socket.close() }
    loop.finish()
  }

  private var now: UInt64 { clock.monotonicNanoseconds / 1_000_000 }

  /// A network that does not take a packet now is as one that loses it: everything here is said again.
  private func send(_ packet: MDNSPacket) {
    let bytes = packet.message.encoded()
    for (socket, group) in zip(sockets, groups) {
      switch packet.destination {
      case .group: try? socket.send(bytes, to: group)
      case .host(let endpoint) where endpoint.address.isIPv4 == group.address.isIPv4: try? socket.send(bytes, to: endpoint)
      case .host: continue
      }
    }
  }
}
