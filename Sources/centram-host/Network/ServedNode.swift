internal import CentramHost
internal import CentramNode
internal import CentramPackaging
internal import CentramPluginAPI
internal import CentramStore
internal import class CentramTransportSupport.SystemTimers
internal import CentramWire
internal import Foundation
internal import Synchronization

/// Puts a node together from this machine's folder, plugins, clock and randomness, and runs it until somebody interrupts.
struct ServedNode {
  let options: HostOptions
  let configuration: NodeConfiguration
  let settings: NodeSettings
  let output: ServeOutput

  func run() throws {
    let folder = HostOptions.folder, path = folder + "/identity"
    // Changes of keys, this node's and its peers', are kept beside the identity.
    let keys = folder + "/keys.json"
    func openIdentity() throws -> NodeIdentity {
      let links = try KeyLinks.load(from: keys)
      return try NodeIdentity.opened(at: path) { old, new in links.link(from: old)?.new == new }
    }
    var identity = try openIdentity(), listen = settings.listen, triesLeft = 0
    let control = try ControlServer(folder: folder), current = CurrentNode()
    defer { control.close() }
    control.serve { await current.answer($0) }
    while true {
      let running = try makeNode(identity, folder: folder, listen: listen)
      do throws(SessionError) {
        try run(running, as: current).get()
      } catch {
        // The sockets of the node before may take a moment to close.
        guard triesLeft > 0, error.code == .transport, !Interrupt.isRequested else { throw error }
        triesLeft -= 1
        Thread.sleep(forTimeInterval: 0.2)
        continue
      }
      guard running.hasNewKey, !Interrupt.isRequested else { return }
      (identity, triesLeft) = (try openIdentity(), 50)
      // The same ports again, also where the system chose them.
      listen = Blocking.run { await running.node.listening.filter { !$0.hasPrefix("relay://") } }
    }
  }

  /// Runs one node to its end.
  private func run(_ running: RunningNode, as current: CurrentNode) -> Result<Void, SessionError> {
    let node = running.node, discovery = running.discovery, traversal = running.traversal, plugins = running.plugins, genomes = running.genomes
    return Blocking.run { () async -> Result<Void, SessionError> in
      await traversal.attach(to: node) { AddressFamilies(of: (try? SystemNetwork().interfaces()) ?? []) }
      discovery.register(with: node.handlers)
      return await withTaskGroup(of: Void.self) { group in
        group.addTask { await self.stopWhenAsked(running) }
        group.addTask {
          await node.waitUntilStarted()
          let listening = await node.listening
          guard !listening.isEmpty else { return }
          current.set(running)
          self.output.started(id: await node.key.publicKey.description, listening: listening)
          await discovery.run()
        }
        group.addTask {
          await node.waitUntilStarted()
          await traversal.run()
        }
        group.addTask { await genomes.run() }
        group.addTask {
          await node.waitUntilStarted()
          do throws(RoundError) { try await running.rounds.run() } catch { self.output.log(.error, "training rounds do not run: \(error.message)") }
        }
        group.addTask {
          let watch = PluginWatch(
            [plugins, genomes.plugins], trust: { try self.options.nodeConfiguration().trust }, sleep: { try await Task.sleep(nanoseconds: $0) }, log: self.output.log)
          // Peers are told what there is now.
          await watch.run { await node.capabilitiesChanged() }
        }
        defer { group.cancelAll() }
        do throws(SessionError) {
          try await node.run()
          return .success(())
        } catch { return .failure(error) }
      }
    }
  }

  private func stopWhenAsked(_ running: RunningNode) async {
    while !Interrupt.isRequested, !running.hasNewKey {
      guard (try? await Task.sleep(nanoseconds: 50_000_000)) != nil else { return }
    }
    output.log(.info, running.hasNewKey ? "beginning anew with the new key" : "stopping")
    await running.discovery.withdraw(running.hasNewKey ? .keyRotated : .shutdown)
    await running.node.stop()
  }

  private func makeNode(_ identity: NodeIdentity, folder: String, listen: [String]) throws -> RunningNode {
    // Transports hold the key themselves, for the certificate that names the node. They have a host of their own, so that no other plugin gets it.
    let host = options.host(configuration, identity: ExportableIdentity(identity), log: output.log)
    let transports = transports(of: host)
    guard !transports.isEmpty else { throw HostError(.notFound, "no transport is usable; name a folder of plugins with --plugins, and see centram-host plugin list") }
    // Where the listening socket dials too, routers know it, and would let in what they keep from strangers: so others are dialled back from sockets of their own.
    let dialBack = configuration.traversal.helpsOthers ? self.transports(of: host).filter { $0.info.features.contains(.datagrams) } : []
    let traversal: NATTraversal
    do throws(RelayError) {
      traversal = try NATTraversal(
        settings: configuration.traversal, seed: identity.seed, clock: WallClock(), random: SystemRandom(), timers: SystemTimers(), dialBack: dialBack)
    } catch { throw SessionError(.configuration, error.message) }
    var settings = settings
    settings.listen = listen + configuration.traversal.listen
    let roles: [WireRole] = (configuration.traversal.relay.isOpen ? [.relay] : []) + (configuration.discovery.exchange ? [.table] : [])
    let key = try SigningKey(seed: identity.seed), gate = GateNotice()
    let node = NetworkNode(
      settings: settings, key: key, transports: traversal.transports(over: transports), clock: WallClock(), random: SystemRandom(), log: output.log,
      capabilities: {
        var capabilities = WireCapabilities()
        capabilities.roles = roles
        gate.tell(&capabilities)
        capabilities.plugins = host.snapshot().usable().filter { $0.kind != .transport }.prefix(512).map { record in
          var plugin = WirePluginVersion()
          (plugin.id, plugin.version) = (record.id, record.version?.description ?? "0")
          return plugin
        }
        return capabilities
      },
      links: try KeyLinks.load(from: folder + "/keys.json"), keep: { links throws(DiscoveryError) in try links.save(to: folder + "/keys.json") })
    // What it learns is kept beside the identity.
    var finding = configuration.discovery
    finding.roles = roles
    let discovery = NodeDiscovery(
      settings: finding, own: key.publicKey, host: node, clock: WallClock(), random: .system, network: SystemNetwork(), path: folder + "/peers.json", log: output.log)
    let genomes = try ServedGenomes(options, configuration, node: node, log: output.log)
    gate.set(genomes.judge)
    let rounds = RoundServing(node: node, key: key, genomes: genomes.node) { genomes.storeChanged() }
    return RunningNode(node: node, discovery: discovery, traversal: traversal, plugins: host, genomes: genomes, rounds: rounds, path: folder + "/identity")
  }

  private func transports(of host: PluginHost) -> [any Transport] {
    host.snapshot().usable().filter { $0.kind == .transport }.compactMap { record -> (any Transport)? in
      do throws(HostError) { return try host.transport(record.id) } catch {
        output.log(.warning, error.message)
        return nil
      }
    }
  }
}

/// What peers are told of the gate, which is made after the node that tells them.
private final class GateNotice: Sendable {
  private let judge = Mutex<(any GenomeJudging)?>(nil)
  func set(_ judge: any GenomeJudging) { self.judge.withLock { $0 = judge } }

  func tell(_ capabilities: inout WireCapabilities) {
    guard let judge = judge.withLock({ $0 }) else { return }
    (capabilities.gatePolicy, capabilities.disabledGateLayers) = (Data(judge.policyDigest), Array(judge.disabledLayers.prefix(64)))
  }
}

/// The computer's clock.
struct WallClock: NodeClock {
  private let clock = SystemClock()
  var unixMilliseconds: Int64 { clock.unixMilliseconds }
  var monotonicNanoseconds: UInt64 { clock.monotonicNanoseconds }
  func sleep(until nanoseconds: UInt64) async throws {
    let now = monotonicNanoseconds
    // A sleep of no time still gives way, and looks whether the task is cancelled.
    try await Task.sleep(nanoseconds: nanoseconds > now ? nanoseconds - now : 0)
  }
}

/// The node's identity for plugins that must hold the key.
private struct ExportableIdentity: IdentityService {
  private let identity: NodeIdentity
  init(_ identity: NodeIdentity) { self.identity = identity }
  var publicKey: [UInt8] { identity.publicKey }
  func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] { try identity.sign(message) }
  func exportSeed() throws(PluginError) -> [UInt8] { identity.seed }
}

/// Waits on the calling thread for a task.
enum Blocking {
  static func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let outcome = Outcome<Result>()
    Task.detached {
      outcome.value = await body()
      outcome.done.signal()
    }
    outcome.done.wait()
    return outcome.value!
  }

  /// Written before the signal and read after it.
  private final class Outcome<Value>: @unchecked Sendable {
    let done = DispatchSemaphore(value: 0)
    var value: Value?
  }
}
