internal import CentramPluginAPI
internal import CentramWire

extension NodeDiscovery {
  /// Multicast DNS, where it is wanted and the node listens on something that others on the link can dial.
  func makeMDNS() async -> MDNSService? {
    let listening = await dialable()
    guard settings.mdns, let first = listening.first else { return nil }
    var listeners: [ServiceText.Listener] = []
    for address in listening where !listeners.contains(where: { $0.scheme == address.scheme }) {
      listeners.append(ServiceText.Listener(scheme: address.scheme, port: address.port == first.port ? nil : address.port))
    }
    let log = log
    return MDNSService(
      network: network, clock: clock, random: .system, port: first.port, text: ServiceText(id: await host.currentKey().publicKey, transports: listeners),
      report: { [weak self] event in
        switch event {
        case .found(let service), .changed(let service):
          guard let self else { return }
          Task { await self.take(PeerHint(key: service.id, addresses: service.addresses, source: .mdns)) }
        case .lost: break
        }
      }, problem: { log(.warning, $0.message) })
  }

  /// Where others on the link can dial this node. A node that only this machine reaches has nothing to say there.
  private func dialable() async -> [PeerAddress] {
    await host.listeningAddresses().compactMap { try? PeerAddress($0) }.filter { $0.ip.map { $0.reach != .loopback } ?? false && $0.port > 0 }
  }

  /// The beacon, where it is wanted and the node can be dialled.
  func makeBeacon() async -> BeaconService? {
    guard settings.beacon, await !dialable().isEmpty else { return nil }
    let host = host, clock = clock, log = log
    return BeaconService(
      network: network, clock: clock, random: .system, port: settings.beaconPort, own: await host.currentKey().publicKey,
      announcement: { [weak self] in
        guard let record = await self?.ownRecord() else { return nil }
        var message = WireAnnounce()
        message.record = record
        let now = UInt64(max(0, clock.unixMilliseconds))
        return try? Frame.signed(message, by: await host.currentKey(), to: .anyone, sequence: now, unixMilliseconds: now).bytes
      },
      report: { [weak self] hint in
        guard let self else { return }
        Task { await self.take(hint) }
      }, problem: { log(.warning, $0.message) })
  }
}
