public import CentramPluginAPI
public import CentramWire

/// When beacons are sent: twice soon after the start, then every 30 to 60 seconds by chance, so that nodes that started together drift apart.
public struct BeaconSchedule: Sendable {
  private var sent = 0
  private var random: RandomSource
  public init(random: RandomSource) { self.random = random }

  /// Milliseconds to the next beacon.
  public mutating func wait() -> UInt64 {
    defer { sent += 1 }
    switch sent {
    case 0: return random.milliseconds(0...500)
    case 1: return random.milliseconds(1_000...3_000)
    default: return random.milliseconds(30_000...60_000)
    }
  }
}

/// The signed broadcast on UDP port 9743: tells the link of this node, and this node of others there.
public final class BeaconService: Sendable {
  public static let port: UInt16 = 9743

  private let network: any LocalNetwork
  private let clock: any ClockService
  private let random: RandomSource
  private let port: UInt16
  private let own: NodeKey
  private let announcement: @Sendable () async -> [UInt8]?
  private let report: @Sendable (PeerHint) -> Void
  private let problem: @Sendable (DiscoveryError) -> Void

  /// - Parameters:
  ///   - port: where beacons are sent and heard; the standard one, but in tests.
  ///   - announcement: a fresh `Announce` frame; nil: nothing to say now.
  ///   - report: told of each valid beacon of another node, from any thread.
  public init(
    network: any LocalNetwork, clock: any ClockService, random: RandomSource, port: UInt16 = BeaconService.port, own: NodeKey,
    announcement: @escaping @Sendable () async -> [UInt8]?, report: @escaping @Sendable (PeerHint) -> Void, problem: @escaping @Sendable (DiscoveryError) -> Void
  ) {
    (self.network, self.clock, self.random, self.port, self.own) = (network, clock, random, port, own)
    (self.announcement, self.report, self.problem) = (announcement, report, problem)
  }

  /// Returns when the task is cancelled, or when there is no such socket.
  public func run() async {
    let loop = DiscoveryLoop()
    defer { loop.finish() }
    let socket: any DatagramSocket
    do throws(DiscoveryError) { socket = try network.broadcast(port: port) { loop.receive($0) } } catch { return problem(error) }
    defer { socket.close() }
    var receiver = BeaconReceiver(), schedule = BeaconSchedule(random: random)
    var due = monotonic + schedule.wait()
    loop.arm(in: due - monotonic)
    for await event in loop.events {
      if case .datagram(let datagram) = event {
        let now = UInt64(max(0, clock.unixMilliseconds))
        if let hint = receiver.take(datagram, own: own, now: now, monotonic: monotonic) { report(hint) }
      }
      if monotonic >= due {
        await send(socket)
        due = monotonic + schedule.wait()
      }
      loop.arm(in: due > monotonic ? due - monotonic : 0)
    }
  }

  private var monotonic: UInt64 { clock.monotonicNanoseconds / 1_000_000 }

  private func send(_ socket: any DatagramSocket) async {
    guard let interfaces = try? network.interfaces(), let bytes = await announcement(), bytes.count <= BeaconReceiver.maximumSize else { return }
    for target in Set(interfaces.filter { $0.isUp && !$0.isLoopback }.flatMap { $0.addresses.compactMap(\.broadcast) }) {
      // A link that takes it not now is asked again in a minute at most.
      try? socket.send(bytes, to: Endpoint(target, port))
    }
  }
}
