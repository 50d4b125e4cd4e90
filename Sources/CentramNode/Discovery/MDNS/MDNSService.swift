public import CentramPluginAPI
internal import Synchronization

/// Announces this node on every link that has multicast, and tells of others there. Follows interfaces that come and go.
public final class MDNSService: Sendable {
  /// How often the interfaces are looked at.
  static let scanInterval: UInt64 = 5_000

  private let network: any LocalNetwork
  private let clock: any ClockService
  private let random: Mutex<RandomSource>
  private let port: UInt16
  private let text: ServiceText
  private let report: @Sendable (ServiceEvent) -> Void
  private let problem: @Sendable (DiscoveryError) -> Void

  /// - Parameters:
  ///   - port: of the SRV record: where the first transport listens.
  ///   - report: told of each node but this one, from any thread.
  ///   - problem: told once of each interface that cannot be used.
  public init(
    network: any LocalNetwork, clock: any ClockService, random: RandomSource, port: UInt16, text: ServiceText,
    report: @escaping @Sendable (ServiceEvent) -> Void, problem: @escaping @Sendable (DiscoveryError) -> Void
  ) {
    (self.network, self.clock, self.port, self.text) = (network, clock, port, text)
    self.random = Mutex(random)
    (self.report, self.problem) = (report, problem)
  }

  /// Returns when the task is cancelled, after goodbyes.
  public func run() async {
    let loop = DiscoveryLoop()
    await withDiscardingTaskGroup { group in
      var links: [MDNSLink] = [], failed: Set<NetworkInterface> = []
      loop.arm(in: 0)
      for await _ in loop.events {
        let usable = interfaces()
        for link in links where !usable.contains(link.interface) { link.stop() }
        links.removeAll { !usable.contains($0.interface) }
        for interface in usable where !failed.contains(interface) && !links.contains(where: { $0.interface == interface }) {
          guard let link = open(interface, failed: &failed) else { continue }
          links.append(link)
          group.addTask { await link.run() }
        }
        loop.arm(in: Self.scanInterval)
      }
      for link in links { link.stop() }
    }
    loop.finish()
  }

  private func interfaces() -> [NetworkInterface] {
    do throws(DiscoveryError) {
      return try network.interfaces().filter { $0.isUp && $0.hasMulticast && !$0.isLoopback && $0.addresses.contains { $0.ip.reach > .loopback } }
    } catch {
      problem(error)
      return []
    }
  }

  private func open(_ interface: NetworkInterface, failed: inout Set<NetworkInterface>) -> MDNSLink? {
    let own = text.id
    do throws(DiscoveryError) {
      return try MDNSLink(
        interface: interface, network: network, clock: clock, random: random.withLock { $0.fork() }, port: port, text: text,
        report: { [report] event in
          switch event {
          case .found(let service), .changed(let service), .lost(let service): if service.id != own { report(event) }
          }
        })
    } catch {
      failed.insert(interface)
      problem(error)
      return nil
    }
  }
}
