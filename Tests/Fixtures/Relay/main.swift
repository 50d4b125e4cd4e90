internal import CentramNode
internal import CentramPluginAPI
internal import CentramTransportSupport
internal import CentramWire
internal import Dispatch
internal import Foundation
internal import Transport_Quic

/// One host of a test: a node over QUIC that prints how it reaches its peers, until its standard input ends. Its key is SEED 32 times.
///
///     centram-relay-fixture relay SEED ADDRESS
///     centram-relay-fixture listen SEED ADDRESS RELAYS
///     centram-relay-fixture reach SEED ADDRESS RELAYS PEERSEED PEERADDRESSES
///
/// RELAYS are `SEED=ADDRESS` with commas between them; the first is the one to be reached through. A line `punch` on the standard input moves the
/// session of `listen` to a direct connection, if the routers let it.
struct FixtureClock: NodeClock {
  var unixMilliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }
  var monotonicNanoseconds: UInt64 { DispatchTime.now().uptimeNanoseconds }
  func sleep(until nanoseconds: UInt64) async throws {
    let now = monotonicNanoseconds
    try await Task.sleep(nanoseconds: nanoseconds > now ? nanoseconds - now : 0)
  }
}

extension FixtureClock {
  func pause(_ milliseconds: UInt64) async throws { try await sleep(until: monotonicNanoseconds + milliseconds * 1_000_000) }
}

struct FixtureRandom: RandomService {
  func fill(_ buffer: UnsafeMutableRawBufferPointer) { for index in buffer.indices { buffer[index] = .random(in: 0...255) } }
}

struct FixtureServices: HostServices, IdentityService {
  let seed: [UInt8]
  func service(_ id: String) -> (any Sendable)? {
    switch id {
    case "centram.identity/1": self
    case "centram.clock/1": FixtureClock()
    default: nil
    }
  }
  func log(_ level: LogLevel, _ message: String) { say("log \(level) \(message)") }
  var publicKey: [UInt8] { (try? SigningKey(seed: seed).publicKey.bytes) ?? [] }
  func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { throw PluginError(.unsupported, "the fixture signs nothing for plugins") }
  func exportSeed() throws(PluginError) -> [UInt8] { seed }
}

let arguments = CommandLine.arguments
let clock = FixtureClock(), random = FixtureRandom()
@Sendable func seed(_ text: some StringProtocol) -> [UInt8] { [UInt8](repeating: UInt8(text)!, count: 32) }
@Sendable func key(_ text: some StringProtocol) -> NodeKey { try! SigningKey(seed: seed(text)).publicKey }
@Sendable func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

func quic() throws -> any Transport {
  let door = "centram.swift/1".withCString { Transport_Quic.centramPluginDescriptor().pointee.get_interface($0) }
  guard let door, case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(door).takeRetainedValue().capability else { throw PluginError(.invalid, "no transport") }
  return try make(PluginEnvironment(services: FixtureServices(seed: seed(arguments[2])), configurationJSON: "{}"))
}

let role = arguments[1]
var settings = NodeSettings()
settings.listen = [arguments[3]]
let relays = role == "relay" ? [] : arguments[4].split(separator: ",").map { $0.split(separator: "=") }
settings.peers = relays.map { PeerReference(address: String($0[1]), key: key($0[0])) }
if role == "listen" { settings.listen.append("relay://\(key(relays[0][0]))") }

let relaying = try RelayService(settings: RelaySettings(isOpen: role == "relay"), seed: seed(arguments[2]), clock: clock, random: random, timers: SystemTimers())
let node = NetworkNode(
  settings: settings, key: try SigningKey(seed: seed(arguments[2])), transports: relaying.transports(over: [try quic()]), clock: clock, random: random,
  log: { say("log \($0) \($1)") })
let reachability = ReachabilityService(clock: clock, random: random, dialBack: [try quic()])
let punching = PunchService(clock: clock, random: random) { await reachability.confirmed }
let work = Task<Void, Never> {
  await relaying.attach(to: node)
  await reachability.attach(to: node)
  await punching.attach(to: node)
  await withTaskGroup(of: Void.self) { group in
    group.addTask { try? await node.run() }
    group.addTask { await reachability.run(intervalMilliseconds: 1_000) }
    group.addTask {
      await node.waitUntilStarted()
      guard role == "reach" else { return }
      for relay in relays { await node.wait { peers in peers.contains { $0.id == key(relay[0]).description && $0.state == .connected } } }
      // Two relays on two networks tell what the router does; a little while is enough.
      for _ in 0..<50 where await reachability.mapping(scheme: "quic") == .unknown && relays.count > 1 { try? await clock.pause(100) }
      let direct = arguments[6].split(separator: ",").compactMap { try? PeerAddress(String($0)) }
      while !Task.isCancelled {
        do throws(SessionError) {
          let end = try await node.reach(
            key(arguments[5]), direct: direct, relays: [key(relays[0][0])], mapping: await reachability.mapping(scheme: "quic"))
          say("ended \(end.message)")
        } catch { say("failed \(error.message)") }
        guard (try? await clock.pause(2_000)) != nil else { return }
        await node.wait { peers in !peers.contains { $0.id == key(arguments[5]).description && $0.state == .connected } }
      }
    }
    group.addTask {
      var told: Set<String> = []
      while (try? await clock.pause(100)) != nil {
        for peer in await node.peers() where told.insert("\(peer.id ?? "") \(peer.state) \(peer.path) \(peer.reason)").inserted {
          say("peer \(peer.id ?? "?") \(peer.state) \(peer.path) \(peer.reason)")
        }
        let facts = "reachability \(await reachability.verdict) mapping \(await reachability.mapping(scheme: "quic")) addresses \(await reachability.confirmed.map(\.description))"
        if told.insert(facts).inserted { say(facts) }
      }
    }
    await group.waitForAll()
  }
}
Thread.detachNewThread {
  while let line = readLine() {
    guard line.hasPrefix("punch ") else { continue }
    let peer = key(line.dropFirst(6))
    Task {
      let outcome = await punching.punch(peer)
      say("punched \(outcome.isDirect) \(outcome.reason)")
    }
  }
  work.cancel()
}
await work.value
say("ended")
