internal import CentramNode
internal import CentramPluginAPI
internal import CentramWire
internal import Dispatch
internal import Foundation

/// One host of a test: finds others by one way alone and prints what it finds, until its standard input ends.
///
///     centram-discovery-fixture mdns SEED PORT
///     centram-discovery-fixture beacon SEED PORT BEACONPORT
struct SystemClock: ClockService {
  var unixMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
  var monotonicNanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds }
}

let arguments = CommandLine.arguments
let key = try SigningKey(seed: [UInt8](repeating: UInt8(arguments[2])!, count: 32))
let port = UInt16(arguments[3])!
let clock = SystemClock(), network = SystemNetwork()

@Sendable func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
@Sendable func tell(_ what: String, _ id: NodeKey, _ addresses: [PeerAddress]) { say(([what, "\(id)"] + addresses.map(\.description)).joined(separator: " ")) }
@Sendable func problem(_ error: DiscoveryError) { say("problem \(error.message)") }

let work = Task {
  switch arguments[1] {
  case "mdns":
    await MDNSService(
      network: network, clock: clock, random: .system, port: port,
      text: ServiceText(id: key.publicKey, transports: [ServiceText.Listener(scheme: "quic"), ServiceText.Listener(scheme: "tcp", port: 9750)]),
      report: { event in
        switch event {
        case .found(let service): tell("found", service.id, service.addresses)
        case .changed(let service): tell("changed", service.id, service.addresses)
        case .lost(let service): tell("lost", service.id, service.addresses)
        }
      }, problem: problem
    ).run()
  default:
    await BeaconService(
      network: network, clock: clock, random: .system, port: UInt16(arguments[4])!, own: key.publicKey,
      announcement: {
        let now = UInt64(clock.unixMilliseconds)
        let addresses = OwnAddresses.expand(["quic://[::]:\(port)"], over: (try? network.interfaces()) ?? [], from: .site)
        var announce = WireAnnounce()
        guard let record = try? VerifiedRecord.make(by: key, addresses: addresses, number: now, now: now) else { return nil }
        announce.record = record
        return try? Frame.signed(announce, by: key, to: .anyone, sequence: now, unixMilliseconds: now).bytes
      }, report: { tell("found", $0.key, $0.addresses) }, problem: problem
    ).run()
  }
}
Thread.detachNewThread {
  while readLine() != nil {}
  work.cancel()
}
await work.value
say("ended")
